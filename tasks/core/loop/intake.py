"""Labels that arrived: files of a watched folder imported, a snapshot taken, and the round that it starts.

All follows from the round file and what lies on the disk, so that it comes to the same whatever is delivered twice,
late, or not at all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.base.errors import InputDataError, WinnowError
from tasks.core.base.locks import alone
from tasks.core.base.naming.round_names import round_name
from tasks.core.base.naming.work_places import intake_lock
from tasks.core.exchange.answers import ImportRecord, read_imports
from tasks.core.exchange.batch import Kind, list_batches, read_batch
from tasks.core.exchange.incoming.answer_file import SUFFIXES, batch_named, read_answer_file
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.labelled_before import batches_in_country
from tasks.core.exchange.next_round import next_iteration, write_next
from tasks.core.exchange.settle import import_and_settle, settle
from tasks.core.exchange.take_snapshot import take_snapshot
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round


@dataclass
class Watched:
    """What a look at the watched folder brought."""

    imported: list[ImportRecord] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Files that cannot be imported, by name, and why; they are tried again each time until they are gone."""


@contextmanager
def alone_at_intake(round_: Round) -> Iterator[None]:
    """Work while nobody else takes in labels of the round's country; wait until then."""
    with alone(intake_lock(round_.work_path, round_.country)):
        yield


def import_watched(round_: Round) -> Watched:
    """Import the files of the watched folder that answer a batch of the round and were not imported yet."""
    found = Watched()
    folder = round_.retraining.watched_folder if round_.retraining else None
    if folder is None or not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            try:
                found.imported += _import(round_, path)
            except WinnowError as error:
                found.refused[path.name] = str(error)
    return found


def take_labels(round_: Round) -> tuple[Path | None, str]:
    """Return the snapshot of what the round's labels come to by now, or None and why there is none."""
    with_evaluation = round_.retraining is not None and round_.retraining.with_evaluation
    kinds: tuple[Kind, ...] = ("sampling", "evaluation") if with_evaluation else ("sampling",)
    try:
        return take_snapshot(round_, kinds)[0], ""
    except InputDataError as error:
        return None, str(error)


def following(path: Path) -> list[Path]:
    """Return the file of a round, and of those after it whose iterations count on without a gap."""
    found = [path]
    while (after := _after(found[-1])).is_file():
        found.append(after)
    return found


def round_with(path: Path, snapshot: Path) -> Path:
    """Return the file of the round after `path` that has the snapshot: it is there, or is written now.

    A new one inherits from the newest of those after `path`. Where that one has an earlier snapshot of the same
    labels, this one takes its place, for it holds them, too.

    Raises:
        RoundFileError: the newest file cannot be changed in place.
    """
    files = following(path)
    holders = [file for file in files if snapshot in read_round(file).labelled_data.added]
    if holders:
        return holders[0]
    earlier = [one for one in read_round(files[-1]).labelled_data.added if one.parent == snapshot.parent]
    return write_next(files[-1], snapshot, in_place_of=earlier[-1] if earlier else None).path


def _import(round_: Round, path: Path) -> Sequence[ImportRecord]:
    file = read_answer_file(path)
    name = batch_named(file)
    if name is None:
        raise InputDataError(
            f"{path} does not name its batch in a column `batch`, so it is not taken from a watched folder; say which: "
            f"winnow labels import {round_.name}.yaml {path} --batch NAME"
        )
    own = {folder.name: folder for folder in list_batches(round_)}
    if name not in own:
        if name not in {folder.name for folder in batches_in_country(round_)}:
            raise InputDataError(f"{path} answers the batch {name}, which no round of {round_.country} has")
        return []
    if any(record.digest == file.digest for record in read_imports(own[name])):
        return []
    record, _ = import_and_settle(settle(read_batch(own[name]), round_), round_, path, ImportWay())
    return [record]


def _after(path: Path) -> Path:
    round_ = read_round(path)
    name = round_name(round_.country, next_iteration(round_.iteration), round_.method)
    return path.with_name(f"{name}.yaml")
