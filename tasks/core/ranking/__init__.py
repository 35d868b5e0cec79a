"""Where a text stands among all: exact ranks over score files, out of core."""
