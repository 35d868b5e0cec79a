"""What an experiment's page says of its round: what it is, and where its seeds, flows and report are looked at."""

from prefect.settings import get_current_settings

from tasks.core.base.naming.file_names import REPORT_PAGE
from tasks.core.base.naming.round_names import METHOD_SUFFIXES
from tasks.core.round.model import Round
from tasks.records.seeds_page import seeds_address
from tasks.records.tracked_run import KIND_TAG, Experiment

REPORT = {KIND_TAG: "report"}
"""The run of a round's report has this tag."""


def describe_experiment(round_: Round, experiment: Experiment) -> None:
    """Say on an experiment's page what its round is, with links to all that a person looks for next.

    The first line is what MLflow shows of it before somebody unfolds it.
    """
    seeds = [f"[seeds of {study} side by side]({seeds_address(experiment, study)})" for study in round_.studies]
    links = " · ".join([*seeds, *_report(experiment), *_prefect()])
    what = f"Country {round_.country}, {round_.iteration}, method {round_.method} ({_method(round_)}); labels: "
    experiment.describe(f"**{round_.name}**: {links}\n\n{what}{', '.join(round_.active_labels)}.\n")


def _method(round_: Round) -> str:
    return METHOD_SUFFIXES[round_.method].removeprefix("-") or "exploit-explore"


def _prefect() -> list[str]:
    address = get_current_settings().ui_url
    return [f"[flows in Prefect]({address}/runs)"] if address else []


def _report(experiment: Experiment) -> list[str]:
    found = experiment.with_tags(REPORT)
    return [f"[report]({run.artifact_address(REPORT_PAGE)})" for run in found[:1]]
