"""Which compressions text files may have, labelled data and samples alike."""

from pathlib import Path

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".lz4": "lz4", ".zst": "zstd"}
"""A text file's name may end in one of these, behind the suffix of its kind; Arrow has its own name for each."""


def compression_of(path: Path) -> str | None:
    """Return Arrow's name of a file's compression, by its name; None for a plain one."""
    return COMPRESSIONS.get(path.suffix.lower())


def uncompressed_name(path: Path) -> str:
    """Return a file's name without the suffix of its compression: `a.csv` for `a.csv.gz`."""
    return path.stem if compression_of(path) else path.name
