"""Countries, iterations and methods beside each other: a table and a picture from what the flows left in files."""
