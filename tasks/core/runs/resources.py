"""Which cluster, memory and time the last launch of a run was given, and whether it left the round's screening out."""

from typing import Any, TypedDict

from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.runs.folder import RunFolder


class Resources(TypedDict, total=False):
    """What `resources.json` says: flow parameters, those that were given."""

    cluster: str
    memory_gib: float
    walltime_minutes: int
    screened: bool


RESOURCES = FileFormat(
    kind="record of resources",
    number=2,
    schema=Resources,
    remedy="Delete it, and give cluster, memory and time by hand",
    unnumbered=1,
    migrations={1: unchanged},
)


def write_resources(folder: RunFolder, given: dict[str, Any]) -> None:
    """Keep the flow parameters that say where a launch works; those that were not given are None."""
    write_record(folder.resources_path, RESOURCES, {name: value for name, value in given.items() if value is not None})


def read_resources(folder: RunFolder) -> dict[str, Any]:
    """Return the flow parameters that the last launch was given; none where it left all to the round.

    A folder of an earlier version, which does not say, has none either.
    """
    try:
        return read_record(folder.resources_path, RESOURCES)
    except FileNotFoundError:
        return {}
