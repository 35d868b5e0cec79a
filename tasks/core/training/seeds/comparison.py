"""The seeds beside chance, TF-IDF and their own ensemble, on the same test rows: the table of source document 001."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics.figures import all_figures, label_figures
from tasks.core.metrics.heads import decide
from tasks.core.round.sections import Head
from tasks.core.training.seeds.baseline import BaselineError, random_scores, tfidf_scores
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.selection import Selection

COLUMNS = {"F1": "f1", "P": "precision", "R": "recall", "AP": "average_precision"}
RANDOM, TFIDF, ENSEMBLE = "random", "tfidf", "ensemble"
TABLE_NAMES = {TFIDF: "TF-IDF + logistic regression"}


@dataclass(frozen=True)
class ModelFigures:
    """A row of the table: each figure's mean and standard deviation over seeds or draws."""

    model: str
    runs: int
    mean: dict[str, float]
    deviation: dict[str, float]

    def row(self) -> dict[str, str]:
        """Return the row as document 001 prints it: per cent, the standard deviation in brackets."""
        cells = {
            column: f"{100 * self.mean[name]:.2f} ({100 * self.deviation[name]:.2f})"
            for column, name in COLUMNS.items()
        }
        return {"Models": self.model} | cells


@dataclass(frozen=True)
class Comparison:
    """All models of a study on its test rows."""

    tables: dict[str, list[ModelFigures]]
    """Each label has a table of these rows."""
    baselines: dict[str, dict[str, float]]
    """Chance, TF-IDF and the ensemble of seeds have these `test_*` figures, averaged over the labels."""
    left_out: dict[str, str] = field(default_factory=dict)
    """These baselines have no row, each for the reason given."""

    def record(self) -> dict[str, Any]:
        """Return the comparison as JSON."""
        tables = {label: [vars(row) for row in rows] for label, rows in self.tables.items()}
        return {"results": tables, "baselines": self.baselines, "left_out": self.left_out}

    def rows(self, labels: Sequence[str] | None = None) -> list[dict[str, str]]:
        """Return the tables of some labels, or of all, below each other."""
        return [{"label": label} | row.row() for label in labels or self.tables for row in self.tables[label]]


def compare_models(selection: Selection, base_model: str) -> Comparison:
    """Score the test rows with every model; `base_model` is how the table calls the seeds' model."""
    plan = selection.winner.plan
    splits = plan.splits
    seeds = {
        candidate.result.seed: read_predictions(candidate.plan, "test", splits.labels)
        for candidate in selection.candidates
    }
    targets = seeds[plan.seed].targets
    scores = [rows.scores for rows in seeds.values()]
    ensemble = np.mean(scores, axis=0)
    fitted, left_out = _fit_baselines(plan)
    models = {
        "Random": random_scores(targets.shape),
        **{TABLE_NAMES[name]: [matrix] for name, matrix in fitted.items()},
        f"{base_model}, {len(scores)} seeds": scores,
        f"{base_model}, selected seed {plan.seed}": [seeds[plan.seed].scores],
        f"{base_model}, mean probability of {len(scores)} seeds": [ensemble],
    }
    tables = {
        label: [model_figures(model, splits.head, targets, runs, column) for model, runs in models.items()]
        for column, label in enumerate(splits.labels)
    }
    macro = {
        name: all_figures(splits.head, splits.labels, targets, matrix)
        for name, matrix in (fitted | {ENSEMBLE: ensemble}).items()
    }
    chance = [rows[0].mean for rows in tables.values()]
    macro[RANDOM] = {name: float(np.mean([mean[name] for mean in chance])) for name in COLUMNS.values()}
    baselines = {name: {f"test_{key}": value for key, value in figures.items()} for name, figures in macro.items()}
    return Comparison(tables, baselines, left_out)


def _fit_baselines(plan: SeedPlan) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
    """Return the scores of the baselines that can be fitted, and why others cannot."""
    try:
        return {TFIDF: tfidf_scores(plan.splits, plan.preprocessing)}, {}
    except BaselineError as error:
        return {}, {TFIDF: str(error)}


def model_figures(
    model: str, head: Head, targets: NDArray[np.float64], runs: Sequence[NDArray[np.float64]], column: int
) -> ModelFigures:
    """Return a model's row for the label in a column; each run of it gave a matrix of shape (rows, labels)."""
    one = slice(column, column + 1)
    values = {
        name: np.array(
            [label_figures(name, targets[:, one], scores[:, one], decide(head, scores)[:, one])[0] for scores in runs]
        )
        for name in COLUMNS.values()
    }
    mean = {name: float(series.mean()) for name, series in values.items()}
    deviation = {name: float(series.std(ddof=1)) if len(series) > 1 else 0.0 for name, series in values.items()}
    return ModelFigures(model, len(runs), mean, deviation)
