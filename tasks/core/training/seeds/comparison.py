"""The seeds beside chance, TF-IDF and their own ensemble, on the same test rows: the table of source document 001."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.metrics.figures import all_figures, label_figures
from tasks.core.metrics.heads import decide
from tasks.core.metrics.warning_rules import has_spread
from tasks.core.round.sections import Head
from tasks.core.training.seeds.baseline import BaselineError, fit_tfidf, random_scores
from tasks.core.training.seeds.predictions import Predictions, read_predictions
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.selection import Selection

COLUMNS = {"F1": "f1", "P": "precision", "R": "recall", "AP": "average_precision"}
RANDOM, TFIDF, ENSEMBLE = "random", "tfidf", "ensemble"
Matrix = NDArray[np.float64]
TABLE_NAMES = {TFIDF: "TF-IDF + logistic regression"}


@dataclass(frozen=True)
class ModelFigures:
    """A row of the table: each figure's mean and, of several seeds or draws, standard deviation."""

    model: str
    runs: int
    mean: dict[str, float]
    deviation: dict[str, float]
    """A single run has none: it is 0 then, and not shown."""

    def row(self) -> dict[str, str]:
        """Return the row as document 001 prints it: per cent, the standard deviation, if there is one, in brackets."""
        return {"Models": self.model} | {column: self._cell(name) for column, name in COLUMNS.items()}

    def _cell(self, name: str) -> str:
        spread = f" ({100 * self.deviation[name]:.2f})" if has_spread(self.runs) else ""
        return f"{100 * self.mean[name]:.2f}{spread}"


@dataclass(frozen=True)
class Comparison:
    """All models of a study on its test rows."""

    tables: dict[str, list[ModelFigures]]
    """Each label has a table of these rows."""
    baselines: dict[str, dict[str, float]]
    """Chance, TF-IDF and the ensemble of several seeds have these `test_*` figures, averaged over the labels; TF-IDF
    those of validation, too."""
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
    tfidf, left_out = _fit_tfidf(plan)
    own = _of_seeds(base_model, {seed: rows.scores for seed, rows in seeds.items()}, plan.seed)
    models = {"Random": random_scores(targets.shape)}
    if tfidf:
        models[TABLE_NAMES[TFIDF]] = [tfidf["test"].scores]
    tables = {
        label: [model_figures(model, splits.head, targets, runs, column) for model, runs in (models | own).items()]
        for column, label in enumerate(splits.labels)
    }
    baselines = {TFIDF: _figures_of(plan, tfidf)} if tfidf else {}
    if has_spread(len(seeds)):
        mean = np.mean([rows.scores for rows in seeds.values()], axis=0)
        baselines[ENSEMBLE] = _figures_of(plan, {"test": Predictions(targets, mean)})
    chance = [rows[0].mean for rows in tables.values()]
    baselines[RANDOM] = {f"test_{name}": float(np.mean([mean[name] for mean in chance])) for name in COLUMNS.values()}
    return Comparison(tables, baselines, left_out)


def _of_seeds(base_model: str, scores: dict[int, Matrix], selected: int) -> dict[str, list[Matrix]]:
    """Return the runs of the study's own rows of the table; a single seed is neither several nor their mean."""
    one = {f"{base_model}, selected seed {selected}": [scores[selected]]}
    if not has_spread(len(scores)):
        return one
    runs, count = list(scores.values()), f"{len(scores)} seeds"
    mean = {f"{base_model}, mean probability of {count}": [np.mean(runs, axis=0)]}
    return {f"{base_model}, {count}": runs} | one | mean


def _fit_tfidf(plan: SeedPlan) -> tuple[dict[str, Predictions], dict[str, str]]:
    """Return what TF-IDF predicts for the validation and the test rows; or nothing, and why it cannot be fitted."""
    splits = plan.splits
    try:
        score = fit_tfidf(splits, plan.preprocessing)
    except BaselineError as error:
        return {}, {TFIDF: str(error)}
    rows = {split: read_split(splits.path, splits.labels, split) for split in ("validation", "test")}
    return {split: Predictions(own.targets, score(own.texts)) for split, own in rows.items()}, {}


def _figures_of(plan: SeedPlan, predicted: dict[str, Predictions]) -> dict[str, float]:
    splits = plan.splits
    return {
        f"{split}_{name}": value
        for split, rows in predicted.items()
        for name, value in all_figures(splits.head, splits.labels, rows.targets, rows.scores).items()
    }


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
