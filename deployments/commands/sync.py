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
    found = [_find(round_)] if round_ else _all_rounds()
    waiting = [sync_round(one, list_) for one in found]
    raise typer.Exit(1 if any(waiting) else 0)


def sync_round(round_: "Round", only_list: bool) -> int:
    """Say what of a round waits, and tell it unless that is all; return how many runs wait still."""
    from tasks.core.base.naming import tracking_records  # noqa: PLC0415 - numpy and more, which other commands do not need
    from tasks.core.base.run_record import waiting_records  # noqa: PLC0415
    from tasks.records.reachable import needs_server  # noqa: PLC0415 - mlflow
    from tasks.records.telling import tell  # noqa: PLC0415

    waiting = waiting_records(tracking_records(round_.work_path, round_.name))
    if not waiting:
        say(f"{round_.name}: nothing waits")
        return 0
    for path, record in waiting:
        say(f"{round_.name}: '{record.run.name}' ({record.status}) waits in {path}")
    if only_list:
        return len(waiting)
    left = 0
    with needs_server(
        f"{len(waiting)} runs of {round_.name} wait, and lose nothing by it. Type winnow sync again then."
    ):
        for path, record in waiting:
            try:
                say(f"{round_.name}: '{record.run.name}' is told as run {tell(path).run_id}")
            except WinnowError as error:
                say(f"{round_.name}: {error}", err=True)
                left += 1
    for then in dict.fromkeys(record.then for _, record in waiting):
        say(f"{round_.name}: what is to be registered, and trained or converted already, is by: {then}")
    return left


def _find(name: str) -> "Round":
    from deployments.commands.predict import find_round  # noqa: PLC0415 - Prefect reads its settings when it is imported

    return find_round(name)


def _all_rounds() -> list["Round"]:
    from deployments.commands.round_folders import ROUND_FOLDERS  # noqa: PLC0415
    from tasks.core.round.round_file import read_round  # noqa: PLC0415

    paths = {path.resolve() for folder in ROUND_FOLDERS for path in folder.glob("*.yaml")}
    return [read_round(path) for path in sorted(paths)]
