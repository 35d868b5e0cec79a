"""Whether a run folder is sound, from its files alone."""
