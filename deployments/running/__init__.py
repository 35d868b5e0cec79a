"""`winnow run`: a flow of one or several rounds, from its start to its results."""
