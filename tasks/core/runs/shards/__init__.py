"""A shard on disk: its rows, its receipt, and whether it is whole."""
