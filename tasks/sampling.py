"""Sampling as Prefect tasks: the scored run, a label's draws, and the batch."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.artifact_names import BATCH_ARTIFACT, BATCH_DRAWS_ARTIFACT, run_artifact_key
from tasks.core.evaluation.calibration.calibrate import Calibration, read_calibration
from tasks.core.exchange.batch import Batch
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN
from tasks.core.runs.plan import Plan
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.sampling.batch_request import SamplingRequest, find_batch, make_request, method_of, put_together
from tasks.core.sampling.label_draws import LabelDraws, draw_label
from tasks.core.sampling.scored_run import find_scored_run, open_scored_run
from tasks.records.evaluation_runs import fetch_calibration
from tasks.records.registry import get_version
from tasks.records.sampling_runs import log_batch
from tasks.retrying import RETRIED
from tasks.story import say, warn

SHOWN_TEXTS = 200
"""The table of a batch shows so many of its texts, the best-ranked; all are in its folder."""
SHOWN_CHARACTERS = 50
"""So much of a text fits on a line beside its label, rank and score."""


@task(task_run_name="plan-batch", cache_policy=NO_CACHE, persist_result=False)
def plan_batch(round_: Round, run_name: str, run_folder: str | None, random_state: int | None) -> SamplingRequest:
    """Find the run to draw from, and say what the batch follows from."""
    plan, folder = open_scored_run(round_, Path(run_folder)) if run_folder else find_scored_run(round_, run_name)
    say(f"drawing from {folder.path} by {method_of(round_)}")
    return make_request(round_, plan, folder, thresholds_of(round_, plan), random_state)


def thresholds_of(round_: Round, plan: Plan) -> dict[str, float]:
    """Return the scores that uncertainty takes texts around; other methods need none."""
    method = method_of(round_)
    if method == "uncertainty":
        return dict.fromkeys(round_.active_labels, round_.sampling.raw_threshold)
    return calibrated_thresholds(round_, plan) if method == "uncertainty_calibrated" else {}


def calibrated_thresholds(round_: Round, plan: Plan) -> dict[str, float]:
    """Return the raw scores where the calibrated probability of each label's model crosses 0.5.

    Raises:
        InputDataError: a model version of the run is not calibrated.
    """
    found = {use.label: _calibrated(use) for use in plan.engines if use.label in round_.active_labels}
    lacking = [label for label, calibration in found.items() if calibration is None]
    if lacking:
        raise InputDataError(
            f"sampling by calibrated uncertainty needs to know where scores of {lacking} are worth 0.5, but the "
            f"versions that scored run {plan.run_id} are not calibrated. Label the rank sample and run: prefect "
            f"deployment run evaluation/{round_.name}. Or set sampling.method to `uncertainty`, which takes raw scores."
        )
    return {label: calibration.threshold for label, calibration in found.items() if calibration is not None}


def _calibrated(use: EngineUse) -> Calibration | None:
    """Return the calibration of the version that scored a label, or None where it has none."""
    with TemporaryDirectory() as folder:
        path = fetch_calibration(get_version(use.registered_model, use.version), Path(folder))
        return None if path is None else read_calibration(path)


def find_drawn(round_: Round, request: SamplingRequest) -> Batch | None:
    """Return the batch where it was drawn already."""
    batch = find_batch(round_, request)
    if batch is not None:
        say(
            f"{batch.folder} was drawn already, and nothing is drawn anew; for other texts of these scores: "
            f"-p random_state={request.settings.random_state + 1}"
        )
    return batch


@task(task_run_name="draw-{label}", **RETRIED)
def draw_of_label(round_: Round, request: SamplingRequest, label: str) -> LabelDraws:
    """Draw a label's texts on a worker."""
    drawn = draw_label(request.pool(round_, label), request.method)
    for count in drawn.counts:
        tell = warn if count.drawn < count.wanted else say
        tell(
            f"{label}: {count.drawn} of {count.wanted} texts, {count.reason}; {count.labelled_before} labelled before, "
            f"{count.near_duplicates} near-duplicates"
        )
    return drawn


@task(task_run_name="write-batch", cache_policy=NO_CACHE, persist_result=False)
def write_drawn(round_: Round, request: SamplingRequest, drawn: list[LabelDraws]) -> Batch:
    """Write the batch, each text once with all its labels."""
    return put_together(round_, request, drawn)


def publish_batch(round_: Round, batch: Batch) -> None:
    """Leave the batch as tables in the Prefect UI, and its record in MLflow."""
    counts = batch.about.counts
    say(f"{counts['texts']} texts for {len(counts['drawn'])} labels in {batch.folder}")
    run = Path(batch.about.run_folder).name
    leave_table(
        run_artifact_key(round_.name, run, None, BATCH_DRAWS_ARTIFACT),
        draw_rows(batch),
        f"How batch {batch.about.batch_id} of {round_.name} was drawn, and what was left out",
    )
    leave_table(
        run_artifact_key(round_.name, run, None, BATCH_ARTIFACT),
        text_rows(batch),
        f"Batch {batch.about.batch_id} of {round_.name}: {counts['texts']} texts, of which the "
        f"best-ranked {SHOWN_TEXTS} at most are shown; all lie in {batch.folder}",
    )
    kept_from = log_batch(round_, batch)
    if kept_from is not None:
        warn(f"MLflow has no record of the batch, the folder has all: {kept_from}")


def text_rows(batch: Batch) -> list[dict[str, Any]]:
    """Return a row for each draw of the texts that are shown."""
    texts = dict(zip(batch.texts[ID_COLUMN].to_pylist(), batch.texts["text"].to_pylist(), strict=True))
    draws = batch.draws.sort_by([("rank", "ascending"), ("label", "ascending")]).slice(0, SHOWN_TEXTS)
    return [
        {
            "label": row["label"],
            "why": row["reason"],
            "rank": row["rank"],
            SCORE_COLUMN: f"{row[SCORE_COLUMN]:.6f}",
            "text": texts[row[ID_COLUMN]][:SHOWN_CHARACTERS],
        }
        for row in draws.to_pylist()
    ]


def draw_rows(batch: Batch) -> list[dict[str, Any]]:
    """Return a row for each draw: what from, how many, and what was left out."""
    return [
        {
            "label": count["label"],
            "why": count["reason"],
            "of rows": count["population_rows"] or "",
            "drawn": f"{count['drawn']} of {count['wanted']}",
            "labelled before": count["labelled_before"],
            "capped": count["near_duplicates"] + count["over_author_cap"],
        }
        for count in batch.about.counts["draws"]
    ]
