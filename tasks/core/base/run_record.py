"""What the tracking server is to hear of a run: written beside the run's result first, told when the server answers.

A record says all of it: the run's name and tags, its parent's, parameters, figures, and which files belong to it. It is
told as one run, however often that is tried: its fingerprint is a tag of that run.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tasks.core.base.errors import WinnowError
from tasks.core.base.files import fingerprint
from tasks.core.base.formats import Content, FileFormat, read_record, unchanged, write_record

FINISHED, FAILED = "FINISHED", "FAILED"
Figure = tuple[str, float, int, int]
"""A figure's name, its value, its step, and when it was found, in milliseconds since the epoch."""


DATA_KEYS = frozenset({"name", "digest", "source", "context", "profile"})
"""These are said of data that a run was given; the profile is what is counted of them."""


@dataclass(frozen=True)
class RunName:
    """How a run is found on the server, and what it is called where it has to be made."""

    experiment: str
    name: str
    identity: dict[str, str]
    """No other run of the experiment, or of the parent, is to have all these tags and be finished."""
    tags: dict[str, str]
    """A new run has these tags, too."""


@dataclass(frozen=True)
class RunRecord:
    """What the server is to hear of a run."""

    run: RunName
    parent: RunName | None
    status: str
    """The run ended FINISHED or FAILED."""
    ended_milliseconds: int
    then: str
    """A person types this once the server has heard of the run."""
    opened: str | None = None
    """The run was opened under this id while the work went on."""
    parameters: dict[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    files: tuple[str, ...] = ()
    """These files belong to the run, by their paths from the record's folder."""
    core_seconds: float | None = None
    """The work took so long, times the cores it had; None where that was not measured from its beginning to its end."""
    told: str | None = None
    """The server holds all this as the run of this id; None while it waits."""
    started_milliseconds: int | None = None
    """The work began then; None where that is not known."""
    note: str | None = None
    """The run's page says this, as Markdown; None says nothing."""
    data: dict[str, Any] | None = None
    """The run was given these data, as `DATA_KEYS` names what is said of them; None where they are named elsewhere."""

    @property
    def fingerprint(self) -> str:
        """What tells this record from every other; its times, and who heard of it, do not count."""
        figures = [figure[:3] for figure in self.figures]
        ended = self.ended_milliseconds if self.status == FAILED else 0
        named = [asdict(self.run), None if self.parent is None else asdict(self.parent)]
        return fingerprint([named, self.status, ended, self.parameters, figures, self.files])


def _check(content: Content) -> None:
    try:
        record = _of(content)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if record.status not in (FINISHED, FAILED):
        raise ValueError(f"its status is {record.status!r}, neither {FINISHED} nor {FAILED}")
    if record.data is not None and record.data.keys() != DATA_KEYS:
        raise ValueError(f"of its data it says {sorted(record.data)}, not {sorted(DATA_KEYS)}")


RUN_RECORD = FileFormat(
    kind="record of a tracked run",
    number=2,
    schema=RunRecord,
    remedy="Move it away and run the flow again: it makes the record anew from what is kept, and trains nothing",
    migrations={1: unchanged},
    check=_check,
)


def write_run_record(path: Path, record: RunRecord) -> None:
    """Write a record; whoever dies from here on leaves it to be told."""
    write_record(path, RUN_RECORD, asdict(record))


def read_run_record(path: Path) -> RunRecord | None:
    """Return the record that stands at `path`, or None where there is none.

    Raises:
        TornRecordError: it is torn or altered.
        FormatError: another version wrote it.
    """
    return _of(read_record(path, RUN_RECORD)) if path.is_file() else None


def say_told(path: Path, record: RunRecord, run_id: str) -> RunRecord:
    """Note that the server holds a record as the run of this id."""
    told = replace(record, told=run_id)
    if told != record:
        write_run_record(path, told)
    return told


def lost_files(path: Path, record: RunRecord) -> list[str]:
    """Return which of a record's files are gone."""
    return [name for name in record.files if not (path.parent / name).is_file()]


def waiting_records(paths: Iterator[Path]) -> tuple[list[tuple[Path, RunRecord]], list[WinnowError]]:
    """Return those of the records that were not told yet, and what is said of those that cannot be read."""
    waiting, faults = list[tuple[Path, RunRecord]](), list[WinnowError]()
    for path in sorted(paths):
        try:
            record = read_run_record(path)
        except WinnowError as fault:
            faults.append(fault)
            continue
        if record is not None and record.told is None:
            waiting.append((path, record))
    return waiting, faults


def _of(content: dict[str, Any]) -> RunRecord:
    parent = content["parent"]
    typed = {
        "run": RunName(**content["run"]),
        "parent": None if parent is None else RunName(**parent),
        "figures": tuple((str(name), float(value), int(step), int(at)) for name, value, step, at in content["figures"]),
        "files": tuple(content["files"]),
    }
    return RunRecord(**{**content, **typed})
