"""A run of very many shards, simulated: its sample, parts and receipts are written by a script, nothing is scored.

Every shard claims 50,000 rows, and its part has as many, all alike, so that it takes a kilobyte. What is measured is
Winnow's own code on them, each phase in a process of its own: planning, a relaunch of the finished run, its status, and
its first manifest, which reads every byte of every part.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.files import sha256_of_file
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.parts import provenance, score_table, write_part
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.receipts import RECEIPT, Receipt
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished
from tasks.core.runs.status.read_status import read_status
from tests.support.memory import peak_kibibytes
from tests.support.plans import plan_of
from tests.support.written_before import FIXTURES

ROWS_A_SHARD = 50_000
SHARDS_A_FILE = 100
ENGINE = FIXTURES / "written_by_0.1.0" / "engines" / "positive"
PHASES = ("plan", "relaunch", "status", "manifest", "manifest_again")


def many_shards(folder: Path, shards: int) -> dict[str, Any]:
    """Write a run of so many shards below a folder and return what each phase takes."""
    _write_sample(folder / "sample", shards)
    found = {"plan": _in_process("plan", folder)}
    _write_receipts(folder)
    return found | {phase: _in_process(phase, folder) for phase in PHASES[1:]}


def straightness(small: dict[str, Any], large: dict[str, Any], times: int) -> dict[str, float]:
    """Return by how much each phase takes longer than `times` as long, 1 being a straight line."""
    return {phase: round(large[phase]["seconds"] / small[phase]["seconds"] / times, 2) for phase in PHASES}


def _in_process(phase: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.many_shards", phase, str(folder)], stdout=subprocess.PIPE, check=True
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _measure(work: Callable[[], object]) -> dict[str, float]:
    started, cpu = time.monotonic(), time.process_time()
    work()
    return {
        "seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_rss_mib": peak_kibibytes() // 1024,
    }


def _plan(folder: Path) -> Plan:
    sample = Sample(path=folder / "sample")
    settings = Inference(output_path=folder, shard_rows=ROWS_A_SHARD)
    plan = plan_of(sample, {"positive": read_engine_model(ENGINE)}, settings, files=survey_sample(sample).files)
    write_plan(plan, RunFolder(folder / "run"))
    return plan


def _relaunch(folder: Path) -> None:
    left = renew_and_find_unfinished(_plan(folder), RunFolder(folder / "run"))
    if left:
        raise AssertionError(f"{len(left)} shards count as unfinished")


def _status(folder: Path) -> None:
    status = read_status(folder / "run")
    if status.done != status.shards:
        raise AssertionError(f"{status.done} of {status.shards} shards count as done")


def _manifest(folder: Path) -> None:
    run = RunFolder(folder / "run")
    plan = read_plan(run)
    counts = write_manifest(plan, run, Launch(plan.rows, 1.0))["counts"]
    if counts["rows_out"] != {"positive": plan.rows}:
        raise AssertionError(f"{plan.rows} rows in, {counts['rows_out']} out")


def _write_sample(folder: Path, shards: int) -> None:
    """Write one file of row groups of a shard's size, and copies of it."""
    folder.mkdir(parents=True)
    first = folder / "part-00000.parquet"
    rows = SHARDS_A_FILE * ROWS_A_SHARD
    table = pa.table({"tweet_id": pa.repeat(1, rows), "text": pa.repeat("text", rows)})
    pq.write_table(table, first, row_group_size=ROWS_A_SHARD, write_statistics=False)
    for number in range(1, shards // SHARDS_A_FILE):
        shutil.copy(first, folder / f"part-{number:05d}.parquet")


def _write_receipts(folder: Path) -> None:
    """Write each shard's part and receipt as scoring would, but without fsync."""
    run = RunFolder(folder / "run")
    plan = read_plan(run)
    use = plan.engines[0]
    ids = pa.chunked_array([pa.repeat(1, ROWS_A_SHARD)])
    part = write_part(score_table(ids, np.full(ROWS_A_SHARD, 0.5)), folder / "part", provenance(plan, use, 0, "fp32"))
    content, sha256 = part.read_bytes(), sha256_of_file(part)
    run.output_path(use.label, 0).parent.mkdir(parents=True)
    run.receipt_path(0).parent.mkdir()
    states = {shard.file: plan.input_path(shard).stat() for shard in plan.shards}
    for shard in plan.shards:
        path = run.output_path(use.label, shard.number)
        path.write_bytes(content)
        name = path.relative_to(run.path).as_posix()
        receipt = _receipt(plan, shard.number, states[shard.file], {name: len(content)}, {name: sha256})
        text = json.dumps(RECEIPT.sign(asdict(receipt)), indent=2)
        run.receipt_path(shard.number).write_text(text, encoding="utf-8")


def _receipt(plan: Plan, number: int, state: os.stat_result, files: dict[str, int], sha256: dict[str, str]) -> Receipt:
    return Receipt(
        shard=number,
        run_id=plan.run_id,
        rows_in=ROWS_A_SHARD,
        rows_out={"positive": ROWS_A_SHARD},
        variants={"positive": "onnxruntime-fp32"},
        rows_quarantined=0,
        duplicate_texts=ROWS_A_SHARD - 1,
        empty_texts=0,
        truncated_texts=0,
        input_mtime_ns=state.st_mtime_ns,
        input_ctime_ns=state.st_ctime_ns,
        input_sha256="0" * 64,
        files=files,
        sha256=sha256,
        histograms={"positive": [0] * 10 + [ROWS_A_SHARD] + [0] * 9},
        seconds=30.0,
        engine_seconds=29.0,
        threads=1,
        worker="node1-1",
        processor="simulated",
        cpu_features=["avx2"],
        cpu_seconds=30.0,
    )


WORK = {"plan": _plan, "relaunch": _relaunch, "status": _status, "manifest": _manifest, "manifest_again": _manifest}

if __name__ == "__main__":
    print(json.dumps(_measure(lambda: WORK[sys.argv[1]](Path(sys.argv[2])))))  # noqa: T201 - its answer
