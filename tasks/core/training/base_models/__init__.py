"""A base model or checkpoint: what its folder must hold, and the one way to load it."""
