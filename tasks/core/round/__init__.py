"""The round file: its sections, how it is read, and what is wrong with one that cannot be used."""
