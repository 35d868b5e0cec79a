"""What MLflow is told of a labelling batch: how it was drawn, how many texts, and the batch's own record."""

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.naming.file_names import BATCH_FILE
from tasks.core.exchange.batch import Batch
from tasks.core.round.model import Round
from tasks.records.tracked_run import KIND_TAG, TrackingError
from tasks.records.tracking import ended_by_outcome, find_or_create_run

BATCH_TAG = "winnow.batch_id"


def log_batch(round_: Round, batch: Batch) -> str | None:
    """Leave a batch's settings and counts on an MLflow run of its own, once; return what kept it from that.

    The batch's folder has all of it: where the tracking server is away, nothing is lost and nothing fails.
    """
    about = batch.about
    identity = {KIND_TAG: about.kind, BATCH_TAG: about.batch_id}
    tags = {"winnow.run_id": about.run_id, "prefect.flow_run_id": flow_run.root_flow_run_id or ""}
    try:
        run = find_or_create_run(round_.name, f"{about.kind} {about.batch_id}", identity, tags | code_version())
        if run.status == "FINISHED":
            return None
        with ended_by_outcome(run):
            run.log_parameters(about.settings | {"random_state": about.random_state, "run_folder": about.run_folder})
            run.log_figures(figures_of(batch), prefix="batch/")
            run.log_file(batch.folder / BATCH_FILE)
    except TrackingError as error:
        return str(error)
    return None


def figures_of(batch: Batch) -> dict[str, float]:
    """Return a batch's counts, flat and named as MLflow takes them."""
    counts = batch.about.counts
    found = {"texts": counts["texts"], **counts["excluded"], **counts["capped"]}
    found |= {f"{label}.drawn": drawn for label, drawn in counts["drawn"].items()}
    found |= {f"{label}.motifs": len(motifs) for label, motifs in counts["motifs"].items()}
    return {name: float(value) for name, value in found.items()}
