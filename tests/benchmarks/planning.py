"""What planning 100 million rows takes; and plan, relaunch, status and manifest of runs of very many shards."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan, write_plan
from tests.benchmarks.many_shards import many_shards, straightness
from tests.benchmarks.report import write_report
from tests.support.memory import peak_kibibytes
from tests.support.plans import plan_of
from tests.support.tiny import WORDS, save_tiny_bert, save_tiny_checkpoint
from tests.support.tiny_conversion import convert_tiny

FILES = 2_000
SHARDS = (2_000, 20_000, 200_000)
ROWS_A_FILE = 50_000


def planning(folder: Path) -> dict[str, Any]:
    """Survey, plan, write and read the plan of 2,000 files, and measure each step."""
    folder.mkdir()
    engines = _engines(folder)
    sample = Sample(path=_write_files(folder / "sample"))
    size = sum(path.stat().st_size for path in sample.path.iterdir())
    run = RunFolder(folder / "run")
    settings = Inference(output_path=folder)
    steps: dict[str, dict[str, float]] = {}
    listing = _measured(steps, "survey", lambda: survey_sample(sample))
    plan = _measured(steps, "plan", lambda: plan_of(sample, engines, settings, files=listing.files))
    _measured(steps, "write", lambda: write_plan(plan, run))
    found = _measured(steps, "read", lambda: read_plan(run))
    if found != plan or plan.rows != FILES * ROWS_A_FILE:
        raise AssertionError(f"the plan has {plan.rows} rows and was read back with {found.rows}")
    return {
        "planning_100m_rows_seconds": round(sum(step["seconds"] for step in steps.values()), 2),
        "planning_100m_rows_read_bytes": sum(step["read_bytes"] for step in steps.values()),
        "sample_bytes": size,
        "shards": len(plan.shards),
        "plan_file_bytes": run.plan_path.stat().st_size,
        "peak_rss_mib": peak_kibibytes() // 1024,
        "steps": steps,
    }


def _measured(steps: dict[str, dict[str, float]], name: str, work: Callable[[], Any]) -> Any:
    started, read = time.monotonic(), _read_bytes()
    result = work()
    steps[name] = {"seconds": round(time.monotonic() - started, 2), "read_bytes": _read_bytes() - read}
    return result


def _read_bytes() -> int:
    """Return the bytes that this process has read by system calls, from the page cache or not."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def _write_files(folder: Path) -> Path:
    """Write 2,000 files with ids of their own; a few texts repeat, so that they take little space."""
    folder.mkdir()
    texts = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(ROWS_A_FILE) % 100, pa.int32()), pa.array([f"text {number} word" for number in range(100)])
    ).cast(pa.string())
    for number in range(FILES):
        ids = pa.array(np.arange(ROWS_A_FILE) + number * ROWS_A_FILE, pa.int64())
        table = pa.table({"tweet_id": ids, "text": texts})
        path = folder / f"part-{number:05d}.parquet"
        # Ids are written plainly, so that a step that reads more than footers shows in the bytes read.
        pq.write_table(table, path, row_group_size=10_000, use_dictionary=["text"], compression="none")
    return folder


def _engines(folder: Path) -> dict[str, EngineModel]:
    save_tiny_bert(folder / "base", WORDS)
    checkpoint = save_tiny_checkpoint(folder / "base", folder / "checkpoint", ("positive",), 0)
    return convert_tiny(checkpoint, ("positive",), folder / "engine")


if __name__ == "__main__":
    place = Path(".winnow/bench")
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="planning-", dir=place) as scratch:
        root = Path(scratch).resolve()
        found = planning(root / "files")
        runs = {shards: many_shards(root / str(shards), shards) for shards in SHARDS}
        straight = {shards: straightness(runs[SHARDS[0]], runs[shards], shards // SHARDS[0]) for shards in SHARDS[1:]}
        write_report("planning", found | {"runs_of_shards": runs, "growth_over_a_straight_line": straight})
