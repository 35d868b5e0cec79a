"""Labelled data, in any of the known layouts -> checked splits."""
