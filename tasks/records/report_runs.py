"""What MLflow is given of a round's report: the page, on a run of its own."""

from pathlib import Path

from tasks.core.round.model import Round
from tasks.records.experiment_note import REPORT, describe_experiment
from tasks.records.tracking import ended_by_outcome, find_or_create_run


def log_report(round_: Round, page: Path) -> str:
    """Leave a round's page on the round's own run for it, over an earlier one, and return that run's address.

    Raises:
        RegistryError: there is no MLflow server to ask.
        TrackingError: it is away, or refuses.
    """
    run = find_or_create_run(round_.name, f"{round_.name} report", REPORT, {})
    with ended_by_outcome(run):
        run.log_file(page)
    describe_experiment(round_, run.experiment)
    return run.address
