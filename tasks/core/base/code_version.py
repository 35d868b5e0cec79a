"""Which code ran: the package's version, and the commit when it runs from a git checkout."""

import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[3]


@cache
def code_version() -> dict[str, str]:
    """Return `winnow.version` and, from a checkout, `winnow.commit`, which ends in `-dirty` when files were changed."""
    found = {"winnow.version": version("winnow")}
    if (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        found |= {"winnow.commit": done.stdout.strip()} if done.returncode == 0 else {}
    return found
