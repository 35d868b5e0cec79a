"""Seeds that are finished without having been trained: their scores are the targets with noise."""

import numpy as np

from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.metrics.figures import all_figures
from tasks.core.training.finished import write_finished
from tasks.core.training.seeds.predictions import Predictions, write_predictions
from tasks.core.training.seeds.seed_plan import SEED_RESULT, SeedPlan, SeedResult


def finish(plan: SeedPlan, noise: float, shift: float = 0.0) -> None:
    """Leave a seed's result: scores are the targets with so much noise, drawn by the seed."""
    draw = np.random.default_rng(plan.seed)
    predictions, metrics = {}, {}
    for split in ("validation", "test"):
        targets = read_split(plan.splits.path, plan.splits.labels, split).targets
        scores = np.clip((1 - noise) * targets + noise * draw.random(targets.shape) + shift, 0.001, 0.999)
        predictions[split] = Predictions(targets, scores)
        figures = all_figures(plan.splits.head, plan.splits.labels, targets, scores, np.array([0.5]))
        metrics |= {f"{split}_{name}": value for name, value in figures.items()}
    plan.folder.mkdir(parents=True)
    write_predictions(plan.splits, predictions, plan.folder)
    evaluation = {"epoch": 1.0, "train_loss": 0.5} | metrics
    thresholds = dict.fromkeys(plan.splits.labels, 0.5)
    result = SeedResult(plan.study, plan.seed, plan.config_hash, [evaluation], metrics, thresholds, {})
    write_finished(result, SEED_RESULT, plan.folder)
