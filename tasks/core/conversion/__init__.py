"""Checkpoint -> engine model."""
