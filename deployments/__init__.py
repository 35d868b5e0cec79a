"""Rounds, their registration, the `winnow` command and the demo."""
