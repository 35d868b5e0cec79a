"""Labels arrived: what a watched folder holds is imported, the next round is written, registered and started, once."""

from pathlib import Path

from prefect import State
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.utilities.urls import url_for

from flows.round_flow import round_flow
from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.round_names import MAIN_RUN
from tasks.core.loop.intake import alone_at_intake, following, import_watched, round_with, take_labels
from tasks.core.loop.label_turns import turn_of
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.intake import broken_off, news_for, start_round, tell_import
from tasks.lineage import trace_snapshot

STARTED, NOTHING_NEW = "Started", "Nothing new"


@round_flow("intake")
def intake(round_file: str) -> State[None]:
    """Take in the labels of a round's batches; however often it runs, a snapshot of labels starts one round.

    A round that waits for labels goes on where some came for it, and so does one whose run broke off.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
    """
    round_ = read_round(round_file)
    with alone_at_intake(round_):
        refused = import_files(round_)
        begun = [*begin_next(round_, Path(round_file)), *go_on(Path(round_file))]
    if refused:
        raise InputDataError(f"{len(refused)} files of the watched folder were not imported: {'; '.join(refused)}")
    return Completed(name=STARTED if begun else NOTHING_NEW, message="; ".join(begun) or "no labels came")


def import_files(round_: Round) -> list[str]:
    """Import what the watched folder holds, tell Prefect, and return what was refused and why."""
    found = import_watched(round_)
    for record in found.imported:
        get_run_logger().info("%s: %d new answers, %d replaced", record.file, record.new, record.replaced)
        tell_import(round_, {"file": Path(record.file).name, "digest": record.digest, "new": record.new})
    return list(found.refused.values())


def begin_next(round_: Round, path: Path) -> list[str]:
    """Start the round that has the snapshot that the labels stand at, unless it was started for them, and say so.

    Labels that were changed back stand at an earlier snapshot: its round is run again, and trains nothing.
    """
    snapshot, reason = take_labels(round_)
    if snapshot is None:
        get_run_logger().info("no snapshot is taken: %s", reason)
        return []
    trace_snapshot(round_, snapshot)
    after = round_with(path, snapshot)
    turn = turn_of(round_, snapshot)
    return _begin(after, f"{after.stem} {turn}", turn)


def go_on(path: Path) -> list[str]:
    """Run those rounds again, from this one on, for which labels came while they waited, or whose run broke off."""
    return [line for file in following(path) for line in _go_on(file)]


def _go_on(path: Path) -> list[str]:
    round_ = read_round(path)
    news = news_for(round_, MAIN_RUN)
    if news:
        return _begin(path, f"{path.stem} {news}", "new answers", came_back=True)
    key = broken_off(path.stem)
    by_snapshot = tuple(f"{path.stem} {snapshot.name}" for snapshot in round_.labelled_data.added)
    if key is None or key.startswith(by_snapshot):  # by that, it is begun while the labels stand there, and not later
        return []
    return _begin(path, key, "a run that broke off")


def _begin(path: Path, key: str, why: str, *, came_back: bool = False) -> list[str]:
    # Each needs the other: what is registered with a round begins it.
    from deployments.deploy import deploy_round  # noqa: PLC0415

    deploy_round(path)
    run, is_new = start_round(path.stem, key, came_back=came_back)
    where = url_for("flow-run", run.id) or run.id
    get_run_logger().info("%s by %s%s: %s", path.stem, why, "" if is_new else ", which is known", where)
    return [f"{path.stem} by {why}: {where}"] if is_new else []
