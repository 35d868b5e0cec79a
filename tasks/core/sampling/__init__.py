"""Stored scores -> the texts worth labelling next, each with why it was drawn and how probable that was."""
