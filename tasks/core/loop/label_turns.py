"""At which snapshots a round's labels stood, one turn after the other: labels that are changed back are seen to be.

<work_path>/<country>/<round>/labels/turns.json    written by the intake; the last turn is where they stand now
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.naming.work_places import turns_file
from tasks.core.round.model import Round


@dataclass(frozen=True)
class LabelTurns:
    """What `turns.json` says."""

    snapshots: list[str]
    """The labels stood at these snapshots, by the names of their folders; two that follow each other differ."""


TURNS = FileFormat(
    kind="record of the turns of labels",
    number=1,
    schema=LabelTurns,
    remedy="Delete it: it begins anew, and labels that were changed back before then are not seen to be",
    check=TypeAdapter(LabelTurns).validate_python,
)


def read_turns(round_: Round) -> list[str]:
    """Return the names of the snapshots that a round's labels stood at, the present one last.

    Raises:
        FormatError: another version of Winnow wrote the file.
        TornRecordError: it was altered.
    """
    try:
        said = read_record(turns_file(round_.work_path, round_.country, round_.name), TURNS)
    except FileNotFoundError:
        return []
    return list(said["snapshots"])


def turn_of(round_: Round, snapshot: Path) -> str:
    """Note that the labels stand at a snapshot now, and return by which name this turn of them begins a round.

    The first turn is called after the snapshot. A snapshot that the labels came back to has its number of the turn in
    the name, too: what was begun for it before was followed by others since.
    """
    turns = read_turns(round_)
    if turns[-1:] != [snapshot.name]:
        turns.append(snapshot.name)
        write_record(turns_file(round_.work_path, round_.country, round_.name), TURNS, asdict(LabelTurns(turns)))
    return f"{snapshot.name} of turn {len(turns)}" if snapshot.name in turns[:-1] else snapshot.name
