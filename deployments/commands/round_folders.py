"""Where a round's name, and a country's rounds, are looked up."""

from pathlib import Path

from tasks.core.base.errors import RoundFileError
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round

ROUND_FOLDERS = (Path("deployments/rounds"), Path(__file__).parents[1] / "rounds")
"""A round's name is looked up here: below the current folder, then beside this file."""


def find_round(name: str) -> Round:
    """Return the round of that name, or that a path names.

    Raises:
        RoundFileError: there is none; the message lists those there are.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return read_round(name)
    paths = {path.stem: path for folder in reversed(ROUND_FOLDERS) for path in sorted(folder.glob("*.yaml"))}
    if name not in paths:
        raise RoundFileError(
            f"there is no round '{name}' in {' or '.join(map(str, ROUND_FOLDERS))}; there are: "
            f"{', '.join(sorted(paths)) or 'none'}. The path of a round file may be given too."
        )
    return read_round(paths[name])
