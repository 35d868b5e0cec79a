"""Experts' scores of unlabelled texts -> a small student that ranks as they do, and how well it does."""
