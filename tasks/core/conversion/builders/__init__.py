"""Engine variants, each made from a checkpoint's graph."""
