"""A pool of real tweets, screened and scored by five experts as a run is: Parquet to Parquet, a process a core.

<folder>/sample-<rows>-.../   the pool, named after the splits whose texts it lacks, too
<folder>/runs/iter_0-.../     the screened run, and one that scores the pool's first rows in full

Run folders are kept, and a run that was stopped goes on. As a program it scores a worker's shards of a run.
"""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.files import fingerprint, write_aside
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.inference.certified import open_screening
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference, Screening
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.wholeness import unfinished_shards
from tests.benchmarks.real_texts import SHARD_TEXTS, draw_texts
from tests.support.plans import plan_of
from tests.support.screened_runs import score, screen

FULL_SHARD_ROWS = SHARD_TEXTS // 2
"""A shard that is scored in full takes minutes, and a run that is stopped has lost one."""
CHOOSE_TEXTS = 2_000
"""With one stage there is no path to choose."""
Engines = dict[str, EngineModel]


@dataclass(frozen=True)
class Asked:
    """How large the benchmark is."""

    rows: int
    """Of the pool, at most."""
    full_rows: int
    """The experts score so many of them in full, to see what was missed."""
    top_share: float
    fit_texts: int
    calibrate_texts: int
    audit_texts: int
    workers: int

    @property
    def screening(self) -> Screening:
        """What the run is asked for."""
        return Screening(
            top_share=self.top_share,
            fit_texts=self.fit_texts,
            choose_texts=CHOOSE_TEXTS,
            calibrate_texts=self.calibrate_texts,
            audit_texts=self.audit_texts,
        )


@dataclass(frozen=True)
class PoolRun:
    """A finished run."""

    plan: Plan
    folder: RunFolder
    manifest: dict[str, Any]


def write_pool(folder: Path, rows: int, splits_paths: list[str]) -> Sample:
    """Write a pool of distinct tweets that none of these splits has, unless it is there."""
    path = folder / f"sample-{rows}-{fingerprint(sorted(Path(each).name for each in splits_paths))}"
    if not path.is_dir():
        texts = draw_texts(*splits_paths, count=rows)
        table = pa.table({"tweet_id": pa.array(range(10**18, 10**18 + len(texts)), pa.int64()), "text": texts})
        path.mkdir(parents=True)
        with write_aside(path / "tweets.parquet") as aside:
            pq.write_table(table, aside, row_group_size=FULL_SHARD_ROWS)
    return Sample(path=path)


def run_screened(sample: Sample, engines: Engines, asked: Asked, folder: Path) -> PoolRun:
    """Draw, score the draws, fit, certify, and score what passes."""
    settings = Inference(output_path=folder, shard_rows=SHARD_TEXTS, screening=asked.screening)
    plan = plan_of(sample, engines, settings)
    place = _run_folder(folder, plan)
    score_pool = partial(score_side_by_side, workers=asked.workers)
    certificate = screen(plan, place, score_pool)
    if not certificate.screen_sha256:
        raise SystemExit(f"of {plan.rows} texts nothing is screened: {next(iter(certificate.labels.values())).off}")
    return PoolRun(plan, place, score_pool(plan, place))


def run_in_full(sample: Sample, engines: Engines, asked: Asked, folder: Path) -> PoolRun:
    """Have every expert score the pool's first rows."""
    settings = Inference(output_path=folder, shard_rows=FULL_SHARD_ROWS)
    plan = plan_of(sample, engines, settings, limit=asked.full_rows)
    place = _run_folder(folder, plan)
    return PoolRun(plan, place, score_side_by_side(plan, place, asked.workers))


def _run_folder(folder: Path, plan: Plan) -> RunFolder:
    return RunFolder(folder / f"iter_0-main-{plan.run_id}-evaluation")


def score_side_by_side(plan: Plan, folder: RunFolder, workers: int) -> dict[str, Any]:
    """Score what is unfinished of a run, each worker its shards, and finish it; return its manifest."""
    write_plan(plan, folder)
    if unfinished_shards(plan, folder):
        command = [sys.executable, "-m", "tests.benchmarks.screened_pool", str(folder.path)]
        working = [subprocess.Popen([*command, str(worker), str(workers)]) for worker in range(workers)]
        codes = [process.wait() for process in working]
        if any(codes):
            raise SystemExit(f"a worker of {folder.path} failed; what it said stands above")
    return score(plan, folder)


def work(path: str, worker: int, workers: int) -> None:
    """Open the models and the screening, then score this worker's unfinished shards."""
    folder = RunFolder(Path(path))
    plan = read_plan(folder)
    open_all(plan, folder)
    for number in unfinished_shards(plan, folder):
        if number % workers == worker:
            score_shard(plan, plan.shards[number], folder)


def open_all(plan: Plan, folder: RunFolder) -> None:
    """Open what a process opens once, so that no shard's time has it."""
    for use in plan.engines:
        open_engine(use.folder, plan.inputs.fall_back_to_fp32, use.seal)
    if plan.inputs.screening:
        open_screening(folder)


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
