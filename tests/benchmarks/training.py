"""Training against the plain Trainer recipe of source document 004, and the pruned search against the full grid.

Run with `make bench NAME=training`. Writes .winnow/bench/training.json; every ratio compares two sides of one run.
"""

import dataclasses
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq

from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.metrics.bootstrap import draw_resamples, interval, resampled_values
from tasks.core.round.round_file import read_round
from tasks.core.round.training_section import Training
from tasks.core.training.search.halving import Search, SearchOutcome
from tasks.core.training.search.trial import run_trial
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import SeedPlan, plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.benchmarks.padded_trainer import StepClock, train_padded
from tests.benchmarks.report import write_report

ROUND = Path(__file__).parents[2] / "deployments" / "rounds" / "us-iter0.yaml"
SEEDS = (1, 2, 3)
MAX_LENGTH_TOKENS = 128
WORKERS = 2
SEARCH_ROWS = 300
"""Train rows of the search, so that 36 trials take minutes on two cores."""
SEARCH_EPOCHS = 2


def main() -> None:
    """Measure both and write the report."""
    folder = Path(".winnow/bench/training")
    shutil.rmtree(folder, ignore_errors=True)
    speed = compare_speed(folder)
    search = compare_searches(folder)
    write_report("training", speed | search)


def prepare(folder: Path, train_rows: int | None = None, **changes: Any) -> SeedPlan:
    """Plan the first seed of the demo's `positive` with changed settings, perhaps on the first train rows only."""
    round_ = read_round(ROUND)
    data = round_.labelled_data
    if train_rows is not None:
        table = pq.read_table(data.path)
        train = np.flatnonzero(np.array(table["split"].to_pylist()) == "train")
        kept = np.setdiff1d(np.arange(table.num_rows), train[train_rows:])
        data = data.model_copy(update={"path": folder / f"labelled-{train_rows}.parquet"})
        pq.write_table(table.take(kept), data.path)
    settings = round_.training.model_dump() | {"seeds": SEEDS, "max_length_tokens": MAX_LENGTH_TOKENS} | changes
    training = Training.model_validate(settings)
    request = StudyRequest("positive", {"positive": "positive"}, "binary", training.metric, "none")
    splits: LabelledSplits = prepare_splits(data, request, folder / "splits")
    changed = round_.model_copy(update={"training": training, "work_path": folder.resolve()})
    return plan_seeds(changed, splits, round_.base_model)[0]


def compare_speed(folder: Path) -> dict[str, Any]:
    """Train the same seeds both ways, in turns; all weights are trained, as document 004 does."""
    plan = prepare(folder, freeze_embeddings=False)
    ours: list[float] = []
    padded: list[float] = []
    figures: dict[str, list[float]] = {"ap": [], "ap_padded": []}
    for seed in SEEDS:
        of_seed = dataclasses.replace(plan, seed=seed)
        padded_clock, clock = StepClock(), StepClock()
        figures["ap_padded"].append(train_padded(of_seed, folder / f"padded-{seed}", padded_clock))
        with clock.attached():
            result = train_seed(of_seed, lambda _number, _figures: None)
        figures["ap"].append(result.metrics["test_average_precision"])
        ours.append(clock.examples_per_second(of_seed))
        padded.append(padded_clock.examples_per_second(of_seed))
    return {
        "examples_per_second": ours,
        "examples_per_second_padded": padded,
        "speedup_over_padded_trainer": float(np.median(np.array(ours) / np.array(padded))),
        "ap": float(np.mean(figures["ap"])),
        "ap_padded": float(np.mean(figures["ap_padded"])),
        "ap_by_seed": figures["ap"],
        "ap_padded_by_seed": figures["ap_padded"],
        "ap_within_spread": within_spread(figures["ap"], figures["ap_padded"]),
        "train_rows": plan.splits.rows["train"],
        "max_length_tokens": MAX_LENGTH_TOKENS,
    }


def within_spread(one: list[float], other: list[float]) -> bool:
    """Say whether the means differ by no more than the larger standard deviation of the seeds."""
    spread = max(np.std(one, ddof=1), np.std(other, ddof=1))
    return bool(abs(np.mean(one) - np.mean(other)) <= spread)


def compare_searches(folder: Path) -> dict[str, Any]:
    """Run the full grid and the pruned search, then train each one's setting and compare them on validation."""
    outcomes = {}
    for strategy in ("grid", "halving"):
        plan = prepare(folder, SEARCH_ROWS, epochs=SEARCH_EPOCHS, search={"strategy": strategy})
        outcomes[strategy] = run_search(dataclasses.replace(plan, root=str(folder / strategy)))
    best = interval_of(folder, outcomes["grid"])
    pruned = outcomes["halving"]
    return {
        "grid_setting": [outcomes["grid"].batch_size, outcomes["grid"].learning_rate],
        "grid_value": outcomes["grid"].value,
        "grid_interval": [best.low, best.high],
        "grid_steps": outcomes["grid"].steps,
        "pruned_setting": [pruned.batch_size, pruned.learning_rate],
        "pruned_value": pruned.value,
        "pruned_steps": pruned.steps,
        "pruned_steps_share": pruned.steps / outcomes["grid"].steps,
        "pruned_within_interval": bool(best.low <= pruned.value <= best.high),
        "trials": {strategy: outcome.rows for strategy, outcome in outcomes.items()},
    }


def run_search(plan: SeedPlan) -> SearchOutcome:
    """Run a search on workers of one thread each, spawned: a forked PyTorch waits for threads it does not have."""
    search = Search(plan)
    with (
        patch.dict(os.environ, OMP_NUM_THREADS="1"),
        ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool,
    ):
        while steps := search.pending():
            futures = {step.plan.config_hash: pool.submit(run_trial, step, ignore) for step in steps}
            failures = {key: str(future.exception()) for key, future in futures.items() if future.exception()}
            results = {key: future.result() for key, future in futures.items() if key not in failures}
            search.judge(results, failures)
    return search.outcome()


def ignore(_number: int, _figures: dict[str, float]) -> None:
    """Hear of an evaluation."""


def interval_of(folder: Path, outcome: SearchOutcome) -> Any:
    """Train the setting that a search found and bootstrap its validation figure."""
    plan = outcome.apply(prepare(folder, SEARCH_ROWS, epochs=SEARCH_EPOCHS))
    train_seed(plan, ignore)
    rows = read_predictions(plan, "validation", plan.splits.labels)
    resamples = draw_resamples(rows.targets, plan.training.bootstrap_resamples)
    return interval(resampled_values(outcome.metric, "binary", rows.targets, rows.scores, resamples))


if __name__ == "__main__":
    main()
