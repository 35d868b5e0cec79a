"""The table of source document 001: a student beside chance, TF-IDF, its experts and their mean, on the test rows.

Experts score the test rows with the engine models of their runs, the student with its checkpoint; how many texts a
second each does on a core is measured on the same rows. A test row that an expert of another round was trained on makes
that expert look better than it is.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import MachineError, ModelFolderError
from tasks.core.corpus.labelled.prepare import LabelledSplits, read_split
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.distillation.judgement import TaughtSeed
from tasks.core.distillation.model_scores import ModelScores, expert_scores, texts_a_second
from tasks.core.distillation.student_plan import StudentPlan
from tasks.core.engines.loading import close_engines
from tasks.core.training.seeds.baseline import BaselineError, fit_tfidf, random_scores
from tasks.core.training.seeds.comparison import TABLE_NAMES, TFIDF, ModelFigures, model_figures
from tasks.core.training.seeds.predictions import read_predictions

Matrix = NDArray[np.float64]
SPEED = "texts/s a core"


@dataclass(frozen=True)
class StudentTable:
    """How a student compares, label by label."""

    study: str
    rows: list[tuple[str, ModelFigures, float | None]]
    """Each row has its label, the figures of a model, and how many texts a second that scored on a core."""
    left_out: dict[str, str]
    """These models have no row, each for the reason given."""

    def table(self) -> list[dict[str, str]]:
        """Return the rows for a person to read."""
        return [
            {"label": label} | figures.row() | {SPEED: "" if speed is None else f"{speed:,.0f}"}
            for label, figures, speed in self.rows
        ]


@dataclass(frozen=True)
class _Asked:
    """Models that scored the test rows, a run each, all labels side by side."""

    name: str
    runs: list[Matrix]
    speed: float | None


def compare_student(student: StudentPlan, taught: Sequence[TaughtSeed], experts: list[ExpertRunFolder]) -> StudentTable:
    """Score the test rows with all models; what cannot score them here is named, and costs its row alone."""
    test = read_split(student.labelled.path, student.labels, "test")
    known, left_out = _ask_experts(experts, student.labels, test.texts)
    baseline, why = _ask_tfidf(student.labelled, taught[0].plan.preprocessing, test.texts)
    own = _Asked(
        f"student, {len(taught)} seeds" if len(taught) > 1 else "student",
        [read_predictions(one.plan, "test", student.labels).scores for one in taught],
        float(np.mean([one.judgement.texts_per_core_second for one in taught])),
    )
    chance = _Asked("Random", random_scores(test.targets.shape), None)
    rows = [
        (label, model_figures(asked.name, student.taught.head, test.targets, asked.runs, column), asked.speed)
        for column, label in enumerate(student.labels)
        for asked in (chance, *baseline, *_of_experts([one for one in known if label in one], student.labels), own)
    ]
    return StudentTable(student.taught.study, rows, left_out | why)


def _ask_experts(
    experts: list[ExpertRunFolder], labels: Sequence[str], texts: list[str]
) -> tuple[list[dict[str, ModelScores]], dict[str, str]]:
    """Return what each expert says of its labels among these, and why others say nothing."""
    found, left_out = [], {}
    for expert in experts:
        try:
            scored = expert_scores(expert, [label for label in labels if label in expert.named], texts)
            found += [scored] if scored else []
        except (MachineError, ModelFolderError) as error:
            left_out[expert.name] = str(error)
    close_engines()
    return found, left_out


def _of_experts(own: list[dict[str, ModelScores]], labels: Sequence[str]) -> list[_Asked]:
    """Return the experts one by one, and their mean, which costs all of them; none where there are no experts."""
    if not own:
        return []
    blank = np.full_like(next(iter(own[0].values())).scores, np.nan)
    runs = [np.stack([one[label].scores if label in one else blank for label in labels], axis=1) for one in own]
    seconds = [float(np.mean([1 / scores.texts_per_core_second for scores in one.values()])) for one in own]
    return [
        _Asked(f"{len(own)} experts", runs, 1 / float(np.mean(seconds))),
        _Asked(f"mean probability of {len(own)} experts", [np.mean(runs, axis=0)], 1 / sum(seconds)),
    ]


def _ask_tfidf(labelled: LabelledSplits, preprocessing: str, texts: list[str]) -> tuple[list[_Asked], dict[str, str]]:
    """Return TF-IDF's scores, or why there are none."""
    try:
        score = fit_tfidf(labelled, preprocessing)
    except BaselineError as error:
        return [], {TABLE_NAMES[TFIDF]: str(error)}
    started = time.monotonic()
    scores = score(texts)
    return [_Asked(TABLE_NAMES[TFIDF], [scores], texts_a_second(len(texts), started))], {}
