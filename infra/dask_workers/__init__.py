"""Dask's workers and scheduler: settings, keys, ends."""
