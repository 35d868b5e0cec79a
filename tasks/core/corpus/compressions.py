"""Which compressions text files may have, labelled data and samples alike."""

from pathlib import Path

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".lz4": "lz4", ".zst": "zstd"}
"""What a text file's name may end in, behind the suffix of its kind, and Arrow's name of it."""


def compression_of(path: Path) -> str | None:
    """Return Arrow's name of a file's compression, by its name; None for a plain one."""
    return COMPRESSIONS.get(path.suffix.lower())


def uncompressed_name(path: Path) -> str:
    """Return a file's name without the suffix of its compression: `a.csv` for `a.csv.gz`."""
    return path.stem if compression_of(path) else path.name
