"""Whether a variant ranks as its checkpoint does."""
