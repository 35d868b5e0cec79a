"""Screening: a cheap look at every text, so that the expert scores few; with a bound on what is missed."""
