"""A run's record is told to the tracking server: once, however often it is tried, and by whomever."""

from collections.abc import Iterable
from pathlib import Path

from tasks.core.base.errors import TrainingError
from tasks.core.base.locks import alone
from tasks.core.base.naming.file_names import TRACKING_LOCK
from tasks.core.base.run_record import FAILED, Figure, RunName, RunRecord, lost_files, read_run_record, say_told
from tasks.records.metric_names import metric_name
from tasks.records.tracked_run import TrackedRun
from tasks.records.tracking import find_experiment, find_or_create_run

RECORD_TAG = "winnow.record"
"""A run has the fingerprint of the record that it was told from as this tag."""
RUNNING = "RUNNING"
COST_FIGURE = "core_seconds"
FIGURES_AT_ONCE = 500


def open_parent(name: RunName, started: int | None = None) -> TrackedRun:
    """Find or make the run that others are children of; a new one began then, in milliseconds, or begins now."""
    return find_or_create_run(name.experiment, name.name, name.identity, name.tags, started)


def tell(path: Path) -> TrackedRun:
    """Have the server hold what a record says as one run that has ended, and note in the record which it is.

    Runs that were opened for the same and were left RUNNING are taken, or ended as KILLED.

    Raises:
        TrainingError: there is no record, or files that it names are gone.
        TornRecordError: the record is torn or altered.
    """
    with alone(path.with_name(TRACKING_LOCK)):
        record = read_run_record(path)
        if record is None or (lost := lost_files(path, record)):
            gone = "it is gone" if record is None else f"{', '.join(lost)} beside it are gone"
            raise TrainingError(f"{path} cannot be told: {gone}. Run the flow again: it makes anew what is not there.")
        parent = None if record.parent is None else open_parent(record.parent, _began(record))
        run = _held(record, parent)
        if not _is_told(run, record):
            _complete(run, record, path.parent)
        _end_others(record, parent, run)
        say_told(path, record, run.run_id)
        return run


def tell_failed(path: Path) -> None:
    """Tell how an earlier try failed, if that waits: told later, it would be taken for what is at work by then.

    Raises:
        TornRecordError: the record is torn or altered.
    """
    record = read_run_record(path)
    if record is not None and record.status == FAILED and record.told is None:
        tell(path)


def _held(record: RunRecord, parent: TrackedRun | None) -> TrackedRun:
    """Return the run that holds the record, or is to: told before, opened while the work went on, left, or new."""
    place = find_experiment(record.run.experiment)
    for found in (
        place.with_tags({RECORD_TAG: record.fingerprint} | _below(parent)),
        [place.run(record.opened)] if record.opened is not None and place.has(record.opened) else [],
        place.with_tags(record.run.identity | _below(parent), RUNNING),
    ):
        if found:
            return found[0]
    tags = record.run.identity | record.run.tags | {RECORD_TAG: record.fingerprint}
    return place.create(record.run.name, tags | _below(parent), _began(record))


def _began(record: RunRecord) -> int:
    """Return when the work began; where that is not known, a run that is told late does not begin after its end."""
    return record.started_milliseconds or record.ended_milliseconds


def _below(parent: TrackedRun | None) -> dict[str, str]:
    return {} if parent is None else parent.as_parent


def _is_told(run: TrackedRun, record: RunRecord) -> bool:
    return run.tags.get(RECORD_TAG) == record.fingerprint and run.status == record.status


def _complete(run: TrackedRun, record: RunRecord, folder: Path) -> None:
    run.set_tags(record.run.tags | {RECORD_TAG: record.fingerprint})
    run.log_parameters(record.parameters)
    if record.note is not None:
        run.describe(record.note)
    if record.data is not None:
        run.log_dataset(**record.data)
    spent = record.core_seconds
    cost = () if spent is None else ((COST_FIGURE, spent, 0, record.ended_milliseconds),)
    new = _not_held(run, (*record.figures, *cost))
    for first in range(0, len(new), FIGURES_AT_ONCE):
        run.log_points(new[first : first + FIGURES_AT_ONCE])
    for name in record.files:
        run.log_file(folder / name)
    run.end(record.status, record.ended_milliseconds)


def _not_held(run: TrackedRun, figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures that the run does not have at their step yet."""
    known = {(name, step) for name in run.figure_names for step in run.steps_of(name)}
    return [figure for figure in figures if (metric_name(figure[0]), figure[2]) not in known]


def _end_others(record: RunRecord, parent: TrackedRun | None, kept: TrackedRun) -> None:
    """End as KILLED what nobody works on any more: the work is done, or failed, and this is its record."""
    for run in find_experiment(record.run.experiment).with_tags(record.run.identity | _below(parent), RUNNING):
        if run.run_id != kept.run_id:
            run.end("KILLED")
