"""What MLflow is told of a screened run: the certificate, what the audit found, and what each stage took."""

from typing import Any

from tasks.core.base.errors import WinnowError
from tasks.core.round.model import Round
from tasks.core.runs.folder import RunFolder
from tasks.records.reachable import few_tries, needs_server
from tasks.records.tracked_run import KIND_TAG, TrackingError
from tasks.records.tracking import ended_by_outcome, find_or_create_run

RUN_ID_TAG = "winnow.run_id"


def log_screening(round_: Round, folder: RunFolder, manifest: dict[str, Any]) -> str | None:
    """Leave a screened run's certificate and figures on an MLflow run of its own, once; return what kept it from that.

    The run folder has all of it: where the tracking server is away, nothing is lost and nothing fails.
    """
    identity = {KIND_TAG: "screening", RUN_ID_TAG: manifest["run_id"]}
    try:
        with few_tries(), needs_server("The run folder has all of it."):
            run = find_or_create_run(round_.name, f"screening {manifest['run_id']}", identity, {})
            with ended_by_outcome(run):
                run.log_figures(figures_of(manifest["screening"]))
                run.log_file(folder.certificate_path)
                run.log_file(folder.manifest_path)
    except (TrackingError, WinnowError, OSError) as error:
        return str(error)
    return None


def figures_of(screening: dict[str, Any]) -> dict[str, float]:
    """Return a screening's figures, flat and named as MLflow takes them."""
    found = {"core_seconds": screening["cost"]["core_seconds"]}
    found["cost/core_seconds_without"] = screening["cost"]["core_seconds_without"]
    for label, said in screening["labels"].items():
        found |= {f"{label}/rows_{stage}": count for stage, count in said["stages"].items()}
        if said["audit"]:
            found[f"{label}/missed_share"] = said["audit"]["missed_share"]
            found[f"{label}/missed_share_high"] = said["audit"]["high"]
    return {name: float(value) for name, value in found.items()}
