"""What came of a flow run that has ended: its results, where they lie and what to do next, or why it failed."""

import json
import re
from typing import Any

from prefect.client.schemas.objects import Artifact

from deployments.running.follow import Followed
from deployments.running.next_command import next_commands
from deployments.running.reasons import reason_of
from deployments.running.screen import Screen
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.artifact_names import ESTIMATE_ARTIFACT, LINKS_ARTIFACT, LINKS_BEGIN, REPORT_ARTIFACT

LEFT_OUT = (ESTIMATE_ARTIFACT, LINKS_ARTIFACT, REPORT_ARTIFACT)
"""Artifacts of these names repeat what the run has said, or are said at the end."""
FOLDER = re.compile(r"^- (?P<what>.*folder): `(?P<path>[^`]*)`$", re.MULTILINE)
"""A run's links name its folder so."""
WITH_SEEDS = ("training", "round")
"""After these flows a person compares seeds."""


def conclude(ended: Followed, screen: Screen, with_traceback: bool) -> None:
    """Print what came of a run."""
    screen.say()
    if not (ended.state.is_completed() or ended.state.is_paused()):
        _say_failed(ended, screen, with_traceback)
        return
    tables = [one for one in ended.results if not (one.key or "").endswith(LEFT_OUT)]
    for one in tables:
        _show(one, screen)
    say_state(ended, screen)
    for line in [*_places(ended), *next_commands(ended.started, str(ended.state.name))]:
        screen.say(f"  {line}")


def say_state(ended: Followed, screen: Screen) -> None:
    """Say in a line how a run ended, and why where it did not end well."""
    state, name = ended.state, ended.started.deployment
    if state.is_completed() and state.name == "Completed":
        screen.say(f"{name} has ended well")
    elif state.is_completed() or state.is_paused():
        screen.say(f"{name}: {state.name}. {state.message or ''}")
    elif state.is_cancelled():
        screen.say(f"{name} was cancelled; what is finished is kept")
    else:
        screen.say(f"{name} {str(state.name).lower()}: {reason_of(state)}")


def _say_failed(ended: Followed, screen: Screen, with_traceback: bool) -> None:
    """Say the reason first."""
    say_state(ended, screen)
    if with_traceback and ended.reader.traceback:
        screen.say(ended.reader.traceback)
    screen.say(f"  Prefect     {ended.link}")
    screen.say(f"  Run again   {ended.started.command}   (it goes on where it was)")
    if not with_traceback:
        screen.say(f"  Traceback   prefect flow-run logs {ended.started.run.id}")


def _show(artifact: Artifact, screen: Screen) -> None:
    if artifact.type == "markdown":
        screen.page(_without_links(str(artifact.data)))
        return
    rows: list[dict[str, Any]] = json.loads(str(artifact.data or "[]"))
    if rows:
        screen.say(_without_links(artifact.description or artifact.key or ""))
        screen.table(rows)


def _without_links(text: str) -> str:
    """Leave out the last paragraph, whose places are said once for all."""
    return text.partition(f"\n\n{LINKS_BEGIN}")[0]


def _places(ended: Followed) -> list[str]:
    """Say where the results lie."""
    links = "".join(str(one.data) for one in ended.results if (one.key or "").endswith(LINKS_ARTIFACT))
    folders = {found["what"].capitalize(): found["path"] for found in FOLDER.finditer(links)}
    places = [*folders.items(), ("Prefect", ended.link), *(("MLflow", page) for page in _mlflow_pages(ended))]
    return [f"{what:10}  {place}" for what, place in places]


def _mlflow_pages(ended: Followed) -> list[str]:
    """Return where MLflow shows what came of a run, or why it shows nothing: after training, seeds side by side."""
    from tasks.records.reachable import few_tries  # noqa: PLC0415 - mlflow
    from tasks.records.seeds_page import round_pages  # noqa: PLC0415
    from tasks.records.tracked_run import TrackingError  # noqa: PLC0415

    started = ended.started
    try:
        with few_tries():
            return round_pages(started.round_, started.flow in WITH_SEEDS)
    except (TrackingError, WinnowError, OSError) as refused:
        return [" ".join(str(refused).split())]
