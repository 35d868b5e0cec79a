"""Train one seed: files in, a folder out.

Reads   the splits that `tasks.core.corpus.labelled` wrote, and the base model
Writes  <folder>/checkpoint/          config.json, model.safetensors, tokenizer files: the best epoch
        <folder>/predictions.parquet  id, label, score of the test split
        <folder>/result.json          the SeedResult; written last, so that a folder without it is unfinished
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.labelled import LabelledSplits, read_split
from tasks.core.errors import TrainingError
from tasks.core.files import fingerprint, read_json, sha256_of_folder, write_aside, write_json
from tasks.core.round import Round, Training
from tasks.core.training.base_model import base_model_fingerprint

RESULT_FILE = "result.json"
EpochReport = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class SeedPlan:
    """All that decides what a seed's training gives."""

    label: str
    seed: int
    splits: LabelledSplits
    base_model: str
    base_model_digest: str
    preprocessing: str
    training: Training
    folder: str

    @property
    def config_hash(self) -> str:
        """Fingerprint of what decides the result; two plans with one hash train the same model."""
        return config_hash(
            self.label, self.seed, self.splits.digest, self.base_model_digest, self.preprocessing, self.training
        )


@dataclass(frozen=True)
class SeedResult:
    """What a finished seed gave."""

    label: str
    seed: int
    config_hash: str
    folder: str
    epochs: list[dict[str, float]]
    """Validation figures and training loss after each epoch."""
    metrics: dict[str, float]
    """`validation_*` and `test_*` figures of the kept checkpoint."""

    @property
    def checkpoint(self) -> Path:
        """The folder with the best epoch's weights and tokenizer."""
        return Path(self.folder) / "checkpoint"


def plan_seeds(round_: Round, splits: LabelledSplits) -> list[SeedPlan]:
    """Return one plan for each of the round's seeds of a label."""
    digest = base_model_fingerprint(round_.base_model)
    plans = []
    for seed in round_.training.seeds:
        name = config_hash(splits.label, seed, splits.digest, digest, round_.preprocessing, round_.training)
        folder = round_.work_path / "seeds" / splits.label / f"seed-{seed}-{name}"
        plans.append(
            SeedPlan(
                splits.label,
                seed,
                splits,
                round_.base_model,
                digest,
                round_.preprocessing,
                round_.training,
                str(folder),
            )
        )
    return plans


def config_hash(
    label: str, seed: int | None, data_digest: str, base_model_digest: str, preprocessing: str, training: Training
) -> str:
    """Fingerprint a seed's configuration; without a seed, that of all seeds of the label."""
    settings = training.model_dump(mode="json", exclude={"seeds"})
    return fingerprint([label, seed, data_digest, base_model_digest, preprocessing, settings])


def read_result(plan: SeedPlan) -> SeedResult | None:
    """Return the result of a finished seed, or None.

    Raises:
        TrainingError: the folder's result belongs to another configuration.
    """
    path = Path(plan.folder) / RESULT_FILE
    if not path.is_file():
        return None
    result = SeedResult(**read_json(path))
    if result.config_hash != plan.config_hash:
        raise TrainingError(
            f"{path} was written for configuration {result.config_hash}, expected {plan.config_hash}. "
            f"Move {plan.folder} away and run the training flow again."
        )
    return result


def train_seed(plan: SeedPlan, report_epoch: EpochReport) -> SeedResult:
    """Train the plan's seed, or return its stored result; `report_epoch` hears of every epoch either way."""
    finished = read_result(plan)
    if finished is not None:
        for number, figures in enumerate(finished.epochs, start=1):
            report_epoch(number, figures)
        return finished
    from tasks.core.training.finetune import finetune  # noqa: PLC0415 - torch only where it is used

    folder = Path(plan.folder)
    shutil.rmtree(folder, ignore_errors=True)
    outcome = finetune(plan, folder, report_epoch)
    _write_predictions(plan, folder / "predictions.parquet", outcome.test_scores)
    result = SeedResult(plan.label, plan.seed, plan.config_hash, plan.folder, outcome.epochs, outcome.metrics)
    write_json(folder / RESULT_FILE, asdict(result))
    return result


def checkpoint_files(checkpoint: Path) -> dict[str, str]:
    """Return the sha256 of each file of a checkpoint."""
    return sha256_of_folder(checkpoint)


def _write_predictions(plan: SeedPlan, path: Path, scores: Any) -> None:
    ids, _, labels = read_split(plan.splits.path, "test")
    table = pa.table({"id": ids, "label": pa.array(labels, pa.int8()), "score": pa.array(scores, pa.float64())})
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")
