"""Runs of a few thousand texts with screening, as the flow makes them, in one thread and without Prefect.

As a program it goes on with the run in the folder that it is given, until that is finished or the program killed.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.engines.model_folder import EngineModel
from tasks.core.inference.certifying import certify_off, certify_run, find_certificate, read_drawn, top_texts
from tasks.core.inference.pool_draws import (
    DrawsRun,
    Generation,
    draw_shard,
    draws_of,
    plan_of_draws,
    planned_sizes,
    promise_of,
)
from tasks.core.inference.scoring import score_shard
from tasks.core.inference.screening_report import screening_report
from tasks.core.round.inference_section import Inference, Screening
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.screening.certificate import Certificate
from tasks.core.screening.draw_sizes import grow
from tests.support.plans import plan_of
from tests.support.tiny import make_sentences

EASY = {"top_share": 0.05, "recall": 0.8, "confidence": 0.8}
"""A promise that a few hundred texts can hold."""
TEXTS = 3_000


def screened_plan(folder: Path, engines: dict[str, EngineModel], texts: int = TEXTS, **asked: Any) -> Plan:
    """Write a sample of two files below a folder, with a row without text, and plan to score it with screening."""
    (folder / "sample").mkdir(parents=True, exist_ok=True)
    sentences: list[str | None] = [*make_sentences(texts - 2, seed=3), None, "good good good"]
    ids = [f"id-{number}" for number in range(texts)]
    for name, rows in (("a", slice(0, texts // 2)), ("b", slice(texts // 2, texts))):
        table = pa.table({"tweet_id": ids[rows], "text": pa.array(sentences[rows], pa.large_string())})
        pq.write_table(table, folder / "sample" / f"{name}.parquet", row_group_size=400)
    settings = Inference(output_path=folder, shard_rows=800, screening=Screening(**EASY | asked))
    return plan_of(Sample(path=folder / "sample"), engines, settings)


def score(plan: Plan, folder: RunFolder) -> dict[str, Any]:
    """Score what is unfinished of a run and finish it; return its manifest."""
    write_plan(plan, folder)
    for number in unfinished_shards(plan, folder):
        score_shard(plan, plan.shards[number], folder)
    return write_manifest(plan, folder, Launch(plan.rows, 1.0), screening_report(plan, folder))


def screen(plan: Plan, folder: RunFolder, score_draws: Callable[[Plan, RunFolder], Any] = score) -> Certificate:
    """Draw, score the draws, and certify, unless that is done."""
    write_plan(plan, folder)
    if (found := find_certificate(plan, folder)) is not None:
        return found
    sizes = planned_sizes(plan)
    if sizes.off:
        return certify_off(plan, folder, sizes.off)
    generation = Generation(0, draws_of(plan, sizes))
    while True:
        for shard in plan.shards:
            draw_shard(plan, shard, folder, generation)
        draws, place = plan_of_draws(plan, folder)
        score_draws(draws, place)
        run = DrawsRun(draws, place, folder)
        drawn = read_drawn(run, len(plan.shards))
        grown = grow(sizes, plan.rows, promise_of(plan), top_texts(plan, drawn))
        if grown.off:
            return certify_off(plan, folder, grown.off)
        if grown == sizes:
            return certify_run(plan, folder, run, drawn)
        sizes, generation = grown, Generation(generation.number + 1, draws_of(plan, grown), generation.draws)


if __name__ == "__main__":
    RUN = RunFolder(Path(sys.argv[1]))
    PLAN = read_plan(RUN)
    screen(PLAN, RUN)
    score(PLAN, RUN)
