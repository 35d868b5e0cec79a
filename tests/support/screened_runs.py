"""Runs of a few thousand texts with screening, as the flow makes them, in one thread and without Prefect.

As a program it goes on with the run in the folder that it is given, until that is finished or the program killed.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.engines.model_folder import EngineModel
from tasks.core.inference.certified import find_certificate, is_ready
from tasks.core.inference.certifying import NOTHING_DRAWN, certify_off, certify_or_grow
from tasks.core.inference.draws_run import plan_of_draws
from tasks.core.inference.pool_draws import count_drawn, draw_shard, first_generation
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
from tests.support.plans import plan_of
from tests.support.tiny import make_sentences

EASY = {"top_share": 0.05, "recall": 0.8, "confidence": 0.8}
"""A promise that a few hundred texts can hold."""
SHORT = {"fit_texts": 200, "calibrate_texts": 90}
"""So small a calibration draw lacks top texts, and grows."""
TEXTS = 3_000


def screened_plan(
    folder: Path,
    engines: dict[str, EngineModel],
    texts: int = TEXTS,
    without_text: bool = False,
    long_text: str = "",
    **asked: Any,
) -> Plan:
    """Write a sample of two files below a folder, with a row without text, and plan to score it with screening.

    Where a `long_text` is given, every tenth row has it.
    """
    sentences: list[str | None] = [*make_sentences(texts - 2, seed=3), None, "good good good"]
    sentences = [None] * texts if without_text else sentences
    if long_text:
        sentences[::10] = [long_text] * len(sentences[::10])
    write_pool(folder, sentences)
    return plan_below(folder, engines, **asked)


def write_pool(folder: Path, sentences: list[str | None]) -> None:
    """Write a sample of two files below a folder, each with a half of these texts."""
    (folder / "sample").mkdir(parents=True, exist_ok=True)
    ids, half = [f"id-{number}" for number in range(len(sentences))], len(sentences) // 2
    for name, rows in (("a", slice(0, half)), ("b", slice(half, None))):
        table = pa.table({"tweet_id": ids[rows], "text": pa.array(sentences[rows], pa.large_string())})
        pq.write_table(table, folder / "sample" / f"{name}.parquet", row_group_size=400)


def plan_below(
    folder: Path, engines: dict[str, EngineModel], students: dict[str, EngineModel] | None = None, **asked: Any
) -> Plan:
    """Plan to score the sample below a folder with screening."""
    settings = Inference(output_path=folder, shard_rows=800, screening=Screening(**EASY | asked))
    return plan_of(Sample(path=folder / "sample"), engines, settings, students=students)


def score(plan: Plan, folder: RunFolder) -> dict[str, Any]:
    """Score what is unfinished of a run and finish it; return its manifest."""
    write_plan(plan, folder)
    for number in unfinished_shards(plan, folder):
        score_shard(plan, plan.shards[number], folder)
    return write_manifest(plan, folder, Launch(plan.rows, 1.0), screening_report(plan, folder))


def screen(plan: Plan, folder: RunFolder, score_draws: Callable[[Plan, RunFolder], Any] = score) -> Certificate:
    """Draw, score the draws, and certify, unless that is done."""
    write_plan(plan, folder)
    standing = find_certificate(plan, folder)
    if standing is not None and is_ready(plan, folder):
        return standing
    sizes, generation = first_generation(plan)
    certificate = certify_off(plan, folder, sizes.off) if sizes.off else None
    while certificate is None:
        for shard in plan.shards:
            draw_shard(plan, shard, folder, generation)
        if not count_drawn(plan, folder, generation):
            return certify_off(plan, folder, NOTHING_DRAWN)
        score_draws(*plan_of_draws(plan, folder, generation))
        certified = certify_or_grow(plan, folder, sizes, generation)
        certificate, sizes = certified.certificate, certified.sizes
        generation = generation.grown(plan, sizes)
    return certificate


def kept_bytes(folder: RunFolder) -> dict[str, bytes]:
    """Return every file of a screened run that must come out the same, by its path in the run folder."""
    kept = ("output", "screening/screen", "certificate.json", "screening/drawn")
    files = [path for name in kept for path in sorted((folder.path / name).rglob("*.*")) or [folder.path / name]]
    files = [path for path in files if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in files}


def copy_of(run: tuple[Any, ...], place: Path) -> tuple[Plan, RunFolder]:
    """Return a run's plan, and a copy of its folder in another place, to be broken."""
    plan, folder = run[:2]
    return plan, RunFolder(shutil.copytree(folder.path, place / folder.path.name))


if __name__ == "__main__":
    RUN = RunFolder(Path(sys.argv[1]))
    PLAN = read_plan(RUN)
    screen(PLAN, RUN)
    score(PLAN, RUN)
