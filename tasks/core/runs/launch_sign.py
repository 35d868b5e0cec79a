"""The sign of life of a launch: `launch/<token>/holder.json`, which the launch touches every few seconds."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.core.base.files import file_time
from tasks.core.base.naming.run_names import HOLDER_FILE
from tasks.core.base.processes import ProcessIdentity, from_json

STALE_SECONDS = 60.0
"""Another launch takes over after so long without a sign; it is several beats, as a shared file system may be slow."""


def silent_seconds(place: Path, beside: Path) -> float:
    """Return for how long a launch gave no sign of life, by the clock of the file system that stamps its files.

    `beside` is a folder of the same file system that can be written to. A launch without a readable sign is as old as
    its place.
    """
    try:
        with (place / HOLDER_FILE).open("rb") as sign:  # opened, because a shared file system then looks anew
            last = os.fstat(sign.fileno()).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        last = place.stat().st_mtime
    return max(0.0, file_time(beside) - last)


def holder_of(place: Path) -> dict[str, Any]:
    """Return what a launch says of itself; nothing where that is torn."""
    try:
        return dict(json.loads((place / HOLDER_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return {}


def holding_process(holder: dict[str, Any]) -> ProcessIdentity | None:
    """Return the process of a launch, or None for a torn sign."""
    try:
        return from_json(holder, datetime.fromisoformat(str(holder.get("started_at"))).timestamp())
    except ValueError:
        return None
