"""Train one seed: files in, a folder out.

Reads   the splits that `tasks.core.corpus.labelled` wrote, and the base model
Writes  <folder>/checkpoint/          config.json, model.safetensors, tokenizer files: the best epoch
        <folder>/predictions.parquet  id, label, score of the test split
        <folder>/result.json          the SeedResult
The folder is made aside and renamed when it is whole, so that two workers with one seed cannot mix their files.
"""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.corpus.labelled import read_split
from tasks.core.files import fsync_tree, sha256_of_folder
from tasks.core.training.finetune import finetune
from tasks.core.training.seed_plan import (
    CHECKPOINT_FOLDER,
    PREDICTIONS_FILE,
    SeedPlan,
    SeedResult,
    read_result,
    write_result,
)

EpochReport = Callable[[int, dict[str, float]], None]


def train_seed(plan: SeedPlan, report_epoch: EpochReport) -> SeedResult:
    """Train the plan's seed, or return its stored result; `report_epoch` hears of every epoch either way."""
    finished = read_result(plan)
    if finished is not None:
        for number, figures in enumerate(finished.epochs, start=1):
            report_epoch(number, figures)
        return finished
    aside = plan.folder.with_name(f".{plan.folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        result = _train(plan, aside, report_epoch)
        return _put_in_place(plan, aside, result)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _train(plan: SeedPlan, folder: Path, report_epoch: EpochReport) -> SeedResult:
    outcome = finetune(plan, folder, report_epoch)
    _write_predictions(plan, folder / PREDICTIONS_FILE, outcome.test_scores)
    files = sha256_of_folder(folder / CHECKPOINT_FOLDER)
    result = SeedResult(plan.label, plan.seed, plan.config_hash, outcome.epochs, outcome.metrics, files)
    write_result(result, folder)
    fsync_tree(folder)
    return result


def _put_in_place(plan: SeedPlan, aside: Path, result: SeedResult) -> SeedResult:
    """Rename the whole folder; when another worker was first, its result stands."""
    first = read_result(plan)
    if first is not None:
        return first
    shutil.rmtree(plan.folder, ignore_errors=True)
    aside.rename(plan.folder)
    return result


def _write_predictions(plan: SeedPlan, path: Path, scores: NDArray[np.float64]) -> None:
    ids, _, labels = read_split(plan.splits.path, "test")
    table = pa.table({"id": ids, "label": pa.array(labels, pa.int8()), "score": pa.array(scores, pa.float64())})
    pq.write_table(table, path, compression="zstd")
