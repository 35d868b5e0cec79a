"""Motifs: words that stand together more often among the best-scored texts than among random ones."""
