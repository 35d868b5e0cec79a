"""Which cluster, memory and time the last launch of a run was given, so that the next goes on in the same place."""

from typing import Any

from tasks.core.base.files import read_json, write_json
from tasks.core.runs.folder import RunFolder


def write_resources(folder: RunFolder, given: dict[str, Any]) -> None:
    """Keep the flow parameters that say where a launch works; those that were not given are None."""
    write_json(folder.resources_path, {name: value for name, value in given.items() if value is not None})


def read_resources(folder: RunFolder) -> dict[str, Any]:
    """Return the flow parameters that the last launch was given; none where it left all to the round.

    A folder of an earlier version, which does not say, has none either.
    """
    try:
        given: dict[str, Any] = read_json(folder.resources_path)
    except FileNotFoundError:
        return {}
    return given
