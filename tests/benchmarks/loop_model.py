"""A round's model in the simulated loop: trained on the round's data, its scores kept, its thresholds calibrated.

Arms begin with the same round, and seeds with one configuration have one folder: what was trained and scored for one
arm serves the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import EvaluationError
from tasks.core.base.files import write_aside
from tasks.core.base.naming.library_names import WEIGHTS_FILE
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.distillation.model_scores import checkpoint_scores
from tasks.core.evaluation.calibration.calibrate import CalibratedModel, calibrate
from tasks.core.round.model import Round
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import SeedPlan, plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.benchmarks.loop_data import LoopData
from tests.benchmarks.loop_texts import LABELS

Scores = NDArray[np.float64]
UNSEEN, POOL = "unseen", "pool"
PARTS = (UNSEEN, POOL)


@dataclass(frozen=True)
class LoopModel:
    """A trained model of all labels."""

    plan: SeedPlan
    data: LoopData

    def scores(self, part: str) -> Scores:
        """Return the scores of the pool or of the unseen texts, a column a label."""
        kept: Scores = np.load(_kept(self.plan, part))
        return kept

    def threshold(self, round_: Round, label: str) -> float | None:
        """Return the label's calibrated threshold by the validation split, or None where it cannot be calibrated."""
        rows = read_predictions(self.plan, "validation", [label])
        name = CalibratedModel(label, round_.registered_model(label), round_.iteration, self.plan.config_hash)
        try:
            found = calibrate(name, rows.scores[:, 0], rows.targets[:, 0], round_.evaluation.calibration)
        except EvaluationError:
            return None
        return found.threshold


def train_model(round_: Round, data: LoopData, parts: Sequence[str]) -> LoopModel:
    """Train the round's model and score pool or unseen texts, or both, or return what was kept of it."""
    [(study, labels)] = round_.studies.items()
    training = round_.training
    request = StudyRequest(study, labels, training.head, training.metric, round_.preprocessing)
    splits = prepare_splits(round_.labelled_data, request, round_.work_path / "splits")
    plan = replace(plan_seeds(round_, splits, round_.base_model)[0], root=str(data.folder / "seeds"))
    for part in _lacking(plan, parts):
        train_seed(plan, lambda _number, _figures: None)
        texts = data.unseen_texts() if part == UNSEEN else data.pool_texts()
        _keep(checkpoint_scores(plan.folder, texts["text"].to_pylist()).scores, _kept(plan, part))
    if not _lacking(plan, PARTS):
        (plan.folder / WEIGHTS_FILE).unlink(missing_ok=True)  # a hundred of them are gigabytes, and needed no more
    return LoopModel(plan, data)


def column(scores: Scores, label: str) -> Scores:
    """Return one label's scores."""
    return scores[:, LABELS.index(label)]


def by_id(ids: Sequence[str], scores: Scores) -> dict[str, float]:
    """Return scores by the ids of their texts."""
    return dict(zip(ids, scores.tolist(), strict=True))


def _lacking(plan: SeedPlan, parts: Sequence[str]) -> list[str]:
    return [part for part in parts if not _kept(plan, part).is_file()]


def _kept(plan: SeedPlan, part: str) -> Path:
    return plan.folder.with_name(f"{plan.folder.name}-{part}.npy")


def _keep(scores: Scores, path: Path) -> None:
    with write_aside(path) as aside, aside.open("wb") as file:
        np.save(file, scores)
