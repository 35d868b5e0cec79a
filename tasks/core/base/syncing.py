"""Put what was written to disk."""

import os
from pathlib import Path


def fsync(path: Path) -> None:
    """Put a file's content, or a folder's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
