"""An unlabelled corpus: found, converted, listed, read."""
