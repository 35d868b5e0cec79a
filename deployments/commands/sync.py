"""`winnow sync`: what the MLflow server has not heard of, because it was away, and telling it now."""

from typing import TYPE_CHECKING, Annotated

import typer

from deployments.environment import use
from deployments.terminal import say
from infra.services.settings import read_settings
from tasks.core.base.errors import WinnowError

if TYPE_CHECKING:
    from tasks.core.round.model import Round


def sync(
    round_: Annotated[
        str | None,
        typer.Argument(metavar="ROUND", help="a round's name, such as us-iter0, or its file  [default: all rounds]"),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="only say what is waiting; asks no server")] = False,
) -> None:
    """Tell the MLflow server of runs that ended while it was away, and say what is to be run again then.

    Exits with 0 when nothing waits any more.
    """
    use(read_settings())
    found, unread = ([_find(round_)], 0) if round_ else _all_rounds()
    waiting = [sync_round(one, list_) for one in found]
    raise typer.Exit(1 if any(waiting) or unread else 0)


def sync_round(round_: "Round", only_list: bool) -> int:
    """Say what of a round waits, and tell it unless that is all; return how many runs wait still."""
    from tasks.core.base.naming.work_places import tracking_records  # noqa: PLC0415 - numpy and more, which other commands do not need
    from tasks.core.base.run_record import waiting_records  # noqa: PLC0415
    from tasks.records.reachable import needs_server  # noqa: PLC0415 - mlflow
    from tasks.records.telling import tell  # noqa: PLC0415

    waiting, faults = waiting_records(tracking_records(round_.work_path, round_.name))
    for fault in faults:
        say(f"{round_.name}: {fault}", err=True)
    if not waiting:
        say(f"{round_.name}: nothing waits" if not faults else f"{round_.name}: nothing else waits")
        return len(faults)
    for path, record in waiting:
        say(f"{round_.name}: '{record.run.name}' ({record.status}) waits in {path}")
    if only_list:
        return len(waiting) + len(faults)
    left = len(faults)
    with needs_server(
        f"{len(waiting)} runs of {round_.name} wait, and lose nothing by it. Type winnow sync again then."
    ):
        for path, record in waiting:
            try:
                say(f"{round_.name}: '{record.run.name}' is told as run {tell(path).run_id}")
            except WinnowError as error:
                say(f"{round_.name}: {error}", err=True)
                left += 1
    for then in dict.fromkeys(record.then for _, record in waiting if record.then):
        say(f"{round_.name}: what is to be registered, and trained or converted already, is by: {then}")
    return left


def _find(name: str) -> "Round":
    from deployments.commands.round_folders import find_round  # noqa: PLC0415 - reads round files

    return find_round(name)


def _all_rounds() -> tuple[list["Round"], int]:
    """Return the rounds of all files that can be read, and how many cannot, which are named."""
    from deployments.commands.round_folders import ROUND_FOLDERS  # noqa: PLC0415
    from tasks.core.round.round_file import read_round  # noqa: PLC0415

    paths = {path.resolve() for folder in ROUND_FOLDERS for path in folder.glob("*.yaml")}
    found, unread = list["Round"](), 0
    for path in sorted(paths):
        try:
            found.append(read_round(path))
        except WinnowError as error:
            say(f"{path}: {error}", err=True)
            unread += 1
    return found, unread
