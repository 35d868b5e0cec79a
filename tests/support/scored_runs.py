"""Finished runs whose scores are given, and not made by an engine: all else is written as scoring writes it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.engines.model_folder import read_engine_model
from tasks.core.round.inference_section import Inference, Screening
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.parts import SCREENED_OUT, count_scores, provenance, score_table, write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards.attempts import attempt
from tasks.core.runs.shards.planned_rows import read_shard, sha256_of_rows, state_of
from tasks.core.runs.shards.receipts import BINS, Receipt, ScreenedRows
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.support.plans import plan_of
from tests.support.written_before import FIXTURES

Scores = NDArray[np.float64]
Stages = NDArray[np.object_]
Given = Callable[[str, Shard, pa.ChunkedArray], tuple[Scores, Stages | None]]
"""Gives scores and, of a screened run, stages, for a label and the ids of a shard's rows."""
ENGINE = FIXTURES / "written_by_0.1.0" / "engines" / "positive"


@dataclass(frozen=True)
class ScoredRun:
    """A finished run, and what it was made of."""

    plan: Plan
    folder: RunFolder
    sample: Sample


def write_sample_files(folder: Path, tables: list[pa.Table]) -> Sample:
    """Write a sample of a file a table, of row groups of a thousand rows."""
    folder.mkdir(parents=True)
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{number:05d}.parquet", row_group_size=1_000)
    return Sample(path=folder)


def scored_run(
    folder: Path, sample: Sample, labels: list[str], given: Given, shard_rows: int = 1_000, screened: bool = False
) -> ScoredRun:
    """Write a finished run below a folder: the scores of each label are those that are given."""
    settings = Inference(output_path=folder, shard_rows=shard_rows, screening=Screening() if screened else None)
    plan = plan_of(sample, dict.fromkeys(labels, read_engine_model(ENGINE)), settings)
    run = RunFolder(folder / f"iter_0-main-{plan.run_id}-evaluation")
    write_plan(plan, run)
    for shard in plan.shards:
        write_shard(plan, run, shard, given)
    write_manifest(plan, run, Launch(plan.rows, 1.0))
    return ScoredRun(plan, run, sample)


def write_shard(plan: Plan, run: RunFolder, shard: Shard, given: Given) -> Receipt:
    """Write a shard's parts and its receipt."""
    rows = read_shard(plan, shard)
    scorable, quarantined = part_rows(rows)
    ids = scorable["id"]
    with attempt(run, shard) as tried:
        histograms, counts, screened = {}, {}, {}
        for use in plan.engines:
            scores, stages = given(use.label, shard, ids)
            path = tried.own(run.output_path(use.label, shard.number))
            table = score_table(ids, scores, stages)
            write_part(table, path, provenance(plan, use, shard.number, "onnxruntime-fp32"))
            counts[use.label] = count_scores(table)
            by_expert = scores if stages is None else scores[~np.isin(stages, SCREENED_OUT)]
            histograms[use.label] = np.histogram(by_expert, bins=BINS, range=(0, 1))[0].tolist()
            if stages is not None:
                screened[use.label] = ScreenedRows(dict(Counter(stages.tolist())), 0, 0)
        if quarantined.num_rows:
            write_part(quarantined, tried.own(run.quarantine_path(shard.number)))
        receipt = _receipt(plan, shard, rows, quarantined.num_rows)
        return tried.commit(plan, replace(receipt, histograms=histograms, score_counts=counts, screened=screened))


def _receipt(plan: Plan, shard: Shard, rows: pa.Table, quarantined: int) -> Receipt:
    state = state_of(plan.input_path(shard)) or (0, 0)
    labels = [use.label for use in plan.engines]
    return Receipt(
        shard=shard.number,
        run_id=plan.run_id,
        rows_in=rows.num_rows,
        rows_out=dict.fromkeys(labels, rows.num_rows - quarantined),
        variants=dict.fromkeys(labels, "onnxruntime-fp32"),
        rows_quarantined=quarantined,
        duplicate_texts=0,
        empty_texts=0,
        truncated_texts=0,
        input_mtime_ns=state[0],
        input_ctime_ns=state[1],
        input_sha256=sha256_of_rows(rows),
        files={},
        sha256={},
        histograms={},
        seconds=1.0,
        engine_seconds=1.0,
        threads=1,
        worker="node1-1",
        processor="simulated",
        cpu_features=["avx2"],
        cpu_seconds=1.0,
    )
