"""From a scored round of the simulated loop to the next one, by Winnow's own steps: run, batch, answers, snapshot.

The set's true labels are the annotator, who answers each question of an exported CSV; the file is imported, and what
is decided becomes a snapshot that the next round's file names.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.core.exchange.batch import Batch
from tasks.core.exchange.export_batch import ExportWay, export_batch
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.next_round import write_next
from tasks.core.exchange.safe_cells import ID_PREFIX
from tasks.core.exchange.settle import import_and_settle, settle
from tasks.core.exchange.take_snapshot import take_snapshot
from tasks.core.round.model import Round
from tasks.core.runs.plan import Shard
from tasks.core.sampling.batch_request import find_batch, make_request, method_of, put_together
from tasks.core.sampling.label_draws import draw_label
from tasks.core.sampling.scored_run import require_scored
from tests.benchmarks.loop_data import LoopData
from tests.benchmarks.loop_model import LoopModel, by_id, column
from tests.support.scored_runs import ScoredRun, scored_run

ANNOTATOR = "truth"
SHARDS = 4


def advance(path: Path, round_: Round, model: LoopModel, data: LoopData) -> None:
    """Draw the round's batch, have it answered, and write the next round's file beside the round's own."""
    run = write_run(round_, model, data)
    batch = draw_batch(round_, run, model)
    answer(round_, batch, data)
    snapshot, _ = take_snapshot(round_)
    write_next(path, snapshot)


def write_run(round_: Round, model: LoopModel, data: LoopData) -> ScoredRun:
    """Write a finished run of the pool with the model's scores; what a stopped loop left of one goes."""
    folder = round_.inference.output_path / round_.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts, scores = data.pool_texts(), model.scores("pool")
    ids = texts["tweet_id"].to_pylist()
    known = {label: by_id(ids, column(scores, label)) for label in round_.active_labels}

    def given(label: str, shard: Shard, ids: pa.ChunkedArray) -> tuple[np.ndarray, None]:
        return np.array([known[label][id_] for id_ in ids.to_pylist()]), None

    return scored_run(folder, round_.samples["evaluation"], list(known), given, -(-len(texts) // SHARDS))


def draw_batch(round_: Round, run: ScoredRun, model: LoopModel) -> Batch:
    """Draw the round's batch by its method, or return the one that was drawn."""
    plan, folder = require_scored(round_, run.plan, run.folder)
    request = make_request(round_, plan, folder, thresholds(round_, model), None)
    batch = find_batch(round_, request)
    if batch is None:
        drawn = [draw_label(request.pool(round_, label), request.method) for label in request.labels]
        batch = put_together(round_, request, drawn)
    return batch


def thresholds(round_: Round, model: LoopModel) -> dict[str, float]:
    """Return the scores that both uncertainty methods draw around; a label that cannot be calibrated takes the raw one.

    The flow refuses there. A simulation of many rounds goes on, and says in its figures which labels had no threshold.
    """
    raw = dict.fromkeys(round_.active_labels, round_.sampling.raw_threshold)
    if method_of(round_) != "uncertainty_calibrated":
        return raw if method_of(round_) == "uncertainty" else {}
    found = {label: model.threshold(round_, label) for label in raw}
    return raw | {label: value for label, value in found.items() if value is not None}


def answer(round_: Round, batch: Batch, data: LoopData) -> None:
    """Export the batch, fill the true labels in, and import the file."""
    path = round_.work_path / "answers" / f"{round_.name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    settled = settle(batch, round_)
    export_batch(settled, path, ExportWay((ANNOTATOR,), blind=True), {})
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    truth = data.truth()
    for row in rows:
        row["answer"] = "yes" if truth[row["tweet_id"].removeprefix(ID_PREFIX), row["label"]] else "no"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    record, settled = import_and_settle(settled, round_, path, ImportWay())
    if record.left_out or settled.decided["target"].null_count:
        raise AssertionError(f"{path} answers every question, but {record.left_out} was left out")
