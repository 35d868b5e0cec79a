"""One training, whatever it is for: resumable to the same weights."""
