"""Whether certificates are honest: many screenings from fresh draws of an expert's stored scores, for many promises.

`python -m tests.benchmarks.honesty RUN_FOLDER [REPETITIONS]` takes the run of a screened run's draws, which is its
`screening/iter_*-draws`; the benchmark of screening leaves one. The first stage is fitted on the fitting draw, and so
is a student: the base model's first two layers, taught all labels. The other drawn texts are the pool. Each repetition
draws from it anew, with replacement, certifies, and looks which share of the pool's top would reach the expert.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.distillation.cut_model import cut_model
from tasks.core.distillation.lesson_draw import draw_rows
from tasks.core.distillation.model_scores import checkpoint_scores
from tasks.core.distillation.student_plan import training_of
from tasks.core.distillation.student_rows import StudentRows
from tasks.core.distillation.text_rows import Lesson, TextRows
from tasks.core.inference.draws_run import DrawsRun
from tasks.core.inference.pool_texts import PoolTexts, read_drawn
from tasks.core.metrics.share_bounds import share_interval
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.training_section import Training
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.open_run import open_run
from tasks.core.screening.draws import FIT
from tasks.core.screening.linear_screen import fit_screen
from tasks.core.screening.promise import Promise
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.train_seed import train_seed
from tests.benchmarks.report import write_report
from tests.support.simulated import Population, kept_recall, screenings

FOLDER = Path(".winnow/bench/honesty")
BASE_MODEL = Path(".winnow/models/all-MiniLM-L6-v2")
LAYERS = (0, 1)
STUDENT = Distillation(texts=4_000, heldout_texts=1_000, epochs=1, batch_size=32, learning_rate=1e-4, seeds=(1,))
RECALLS, TOPS, CONFIDENCE = (0.9, 0.95, 0.99), (0.005, 0.01, 0.02), 0.95


def stored_pools(path: Path) -> dict[str, Population]:
    """Return the drawn texts that nothing was fitted on, by label, with scores of the first stage and a student."""
    plan, folder = open_run(path)
    draws = DrawsRun(plan, folder, RunFolder(path.resolve().parents[1]))
    drawn = read_drawn(draws, len(draws.parts))
    fit, labels = drawn.of(FIT), tuple(drawn.scores)
    scores = np.stack([drawn.scores[label] for label in labels], axis=1)
    screen = fit_screen(drawn.as_fitted(fit), log_odds(scores[fit]), labels)
    texts = drawn.as_fitted(~fit)
    student = checkpoint_scores(taught_student(drawn, scores, plan.inputs.preprocessing), texts.to_pylist())
    stages = np.stack([screen.score(texts), log_odds(student.scores)], axis=2)
    return {label: Population(scores[~fit, place], stages[:, place]) for place, label in enumerate(labels)}


def log_odds(scores: np.ndarray) -> np.ndarray:
    """Return log-odds of probabilities."""
    inside = np.clip(scores, 1e-15, 1 - 1e-15)
    return np.log(inside / (1 - inside))


def taught_student(drawn: PoolTexts, scores: np.ndarray, preprocessing: str) -> Path:
    """Teach a student of all labels on the fitting draw, unless it is there; the experts' word judges its epochs."""
    known, labels = drawn.as_fitted(drawn.of(FIT)).to_pylist(), tuple(drawn.scores)
    targets = scores[drawn.of(FIT)]
    draw = draw_rows(targets, STUDENT)
    halves = zip(("validation", "test"), np.array_split(draw.heldout, 2), strict=True)
    splits = {"train": TextRows(len(labels))} | {name: _said(known, targets, rows) for name, rows in halves}
    people = StudentRows("student", labels, "multi_label", splits)
    lesson = Lesson([known[row] for row in draw.learnt], targets[draw.learnt]).without(people.judging_texts())
    FOLDER.mkdir(parents=True, exist_ok=True)
    base = cut_model(BASE_MODEL.resolve(), LAYERS, (FOLDER / "base").resolve(), labels)
    training = training_of(Training(seeds=(1, 2), max_length_tokens=64, bootstrap_resamples=100), STUDENT, people)
    splits_file = people.taught(lesson, STUDENT).write(FOLDER.resolve(), hard=False)
    plan = SeedPlan(splits_file, 1, training, str(base), base_model_digest(str(base)), preprocessing, str(FOLDER))
    train_seed(plan, lambda *_: None)
    return plan.folder


def _said(texts: list[str], targets: np.ndarray, rows: np.ndarray) -> TextRows:
    """Return rows with what the experts decide of them."""
    found = TextRows(targets.shape[1])
    for row in rows:
        found.soft[found.place(f"row-{row}", texts[row])][:] = targets[row] >= 0.5
    return found


def tried(pools: dict[str, Population], promise: Promise, repetitions: int, stages: int) -> dict[str, Any]:
    """Try a promise of each label by itself, and of all of them at once."""
    own = [pool if stages == 2 else pool.only(0) for pool in pools.values()]
    alone, shared = (screenings(own, each, repetitions) for each in (promise, promise.shared_by(len(own))))
    kept, together = (_kept(own, made, promise.recall) for made in (alone, shared))
    return {
        "promise": str(promise),
        "stages": stages,
        "each": {label: _share(column) for label, column in zip(pools, kept.T, strict=True)},
        "all_at_once": _share(np.asarray(together.all(axis=1))),
        "not_screened": np.mean([[bool(said.off) for said in made] for made in alone], axis=0).tolist(),
        "passes": np.mean([[said.reaching[-1] for said in made] for made in alone], axis=0).tolist(),
    }


def _kept(pools: list[Population], made: list[list[Any]], recall: float) -> np.ndarray:
    """Say whether each label of each repetition kept the recall; one that is not screened loses nothing."""
    found = [[kept_recall(pool, said) for pool, said in zip(pools, each, strict=True)] for each in made]
    return np.asarray(np.nan_to_num(np.array(found), nan=1.0) >= recall)


def _share(kept: np.ndarray) -> list[float]:
    """Return the share of repetitions that kept it, and its own interval of 95 %."""
    return [float(kept.mean()), *share_interval(int(kept.sum()), len(kept), 0.95)]


def main(path: Path, repetitions: int) -> None:
    """Try every promise with and without student, and leave the figures."""
    pools = stored_pools(path)
    promises = [Promise(top, recall, CONFIDENCE) for recall in RECALLS for top in TOPS]
    figures = []
    for promise in promises:
        for stages in (1, 2):
            figures.append(tried(pools, promise, repetitions, stages))
            sys.stderr.write(f"{figures[-1]}\n")
    texts = len(next(iter(pools.values())).expert)
    write_report("honesty", {"labels": list(pools), "texts": texts, "repetitions": repetitions, "tried": figures})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000)
