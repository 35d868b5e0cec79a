"""The demo round's data and program."""
