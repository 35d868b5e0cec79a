"""Scores as probabilities, by labels."""
