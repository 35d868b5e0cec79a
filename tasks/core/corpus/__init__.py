"""Labelled data and samples."""
