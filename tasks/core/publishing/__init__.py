"""Scores in Redis, under versions that are switched at once; read from there or from run folders alike."""
