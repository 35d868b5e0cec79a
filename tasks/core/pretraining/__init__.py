"""Masked-language-model training of a checkpoint on a country's unlabelled texts."""
