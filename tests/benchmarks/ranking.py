"""What ranks, draws and joins over score files take, beside DuckDB, polars and pandas: `make bench NAME=ranking`.

A run of 20,000,000 rows and five labels in 400 files is made up, and runs of a quarter and a half of its files. Each
method runs in a process of its own. With a number, as in `python -m tests.benchmarks.ranking 200000`, the largest run
has so many rows.
"""

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tests.benchmarks.ranking_methods import METHODS, RIVALS, TOP, TimedRun
from tests.benchmarks.ranking_runs import FILES, LABELS, smaller_run, write_run
from tests.benchmarks.report import write_report
from tests.support.memory import peak_kibibytes
from tests.support.scored_runs import ScoredRun

ROWS = 20_000_000
REPEATS = 3
"""The top and the bare scan are timed so often, in turns; the fastest of each counts."""
PANDAS_ROWS = 1_000_000
"""pandas is tried with so many rows first; by what they take, the largest run that fits is chosen."""
SPARE = 1.2


def ranking(folder: Path, rows: int) -> dict[str, Any]:
    """Make the runs, time every method on each, and return the figures."""
    started = time.monotonic()
    whole = write_run(folder / "20m", rows, FILES)
    runs = {
        "5m": smaller_run(whole, folder / "5m", FILES // 4),
        "10m": smaller_run(whole, folder / "10m", FILES // 2),
        "20m": whole,
    }
    making = round(time.monotonic() - started, 1)
    methods = {size: {name: _timed(name, run) for name in METHODS} for size, run in runs.items()}
    turns = [(_timed("top_10000", whole), _timed("bare_scan", whole)) for _ in range(REPEATS)]
    top, bare = (min((turn[place] for turn in turns), key=lambda took: took["seconds"]) for place in (0, 1))
    return {
        **_sums(methods),
        "top_k_over_bare_scan": round(top["seconds"] / bare["seconds"], 2),
        "rows": {size: run.plan.rows for size, run in runs.items()},
        "labels": len(LABELS),
        "top_k": TOP,
        "top_k_of_20m": top,
        "bare_scan_of_20m": bare,
        "polars_of_20m": _timed("polars", whole) if find_spec("polars") else "polars is not installed",
        **_pandas(runs, whole, folder),
        "methods": methods,
        "making_the_runs_seconds": making,
        "parts_of_a_label_bytes": _bytes_of(whole),
        "receipt_bytes": max(path.stat().st_size for path in whole.folder.receipts_folder.iterdir()),
    }


def _sums(methods: dict[str, dict[str, dict[str, float]]]) -> dict[str, Any]:
    slowest = max(methods["20m"], key=lambda name: methods["20m"][name]["seconds"])
    growth = {
        name: round(took["peak_gib"] / methods["5m"][name]["peak_gib"], 2) for name, took in methods["20m"].items()
    }
    return {
        "peak_gib_20m": max(took["peak_gib"] for took in methods["20m"].values()),
        "memory_growth": max(growth.values()),
        "memory_growth_of": growth,
        "slowest_method": slowest,
        "slowest_method_seconds_20m": methods["20m"][slowest]["seconds"],
    }


def _pandas(runs: dict[str, ScoredRun], whole: ScoredRun, folder: Path) -> dict[str, Any]:
    """Do it by pandas with a million rows, then with the largest run of which it can be hoped that it fits."""
    a_file = whole.plan.inputs.shard_rows
    first = smaller_run(whole, folder / "pandas", max(1, min(FILES, PANDAS_ROWS // a_file)))
    took = _timed("pandas", first)
    per_million = took["peak_gib"] / first.plan.rows * 1e6
    free = psutil.virtual_memory().available / 2**30
    fitting = [run for run in (first, *runs.values()) if per_million * run.plan.rows / 1e6 * SPARE < free]
    largest = max(fitting or [first], key=lambda run: run.plan.rows)
    took = took if largest is first else _timed("pandas", largest)
    return {
        "pandas_rows": largest.plan.rows,
        "pandas_seconds": took["seconds"],
        "pandas_peak_gib": took["peak_gib"],
        "pandas_peak_gib_per_million": round(took["peak_gib"] / largest.plan.rows * 1e6, 3),
    }


def _bytes_of(run: ScoredRun) -> int:
    return sum(run.folder.output_path(LABELS[0], shard.number).stat().st_size for shard in run.plan.shards)


def _timed(name: str, run: ScoredRun) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.ranking", name, str(run.folder.path), str(run.sample.path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    took: dict[str, float] = json.loads(done.stdout)
    sys.stderr.write(f"{name} of {run.plan.rows} rows: {took}\n")
    return took


def _measure(name: str, run: TimedRun) -> dict[str, float]:
    """Time a method in this process; what it read counts without the imports."""
    started, cpu, read = time.monotonic(), time.process_time(), _read_bytes()
    given = (METHODS | RIVALS)[name](run)
    return {
        "seconds": round(time.monotonic() - started, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_gib": round(peak_kibibytes() / 2**20, 3),
        "read_bytes": _read_bytes() - read,
        "rows": given,
    }


def _read_bytes() -> int:
    """Return what this process has read from files, cached or not."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("rchar")))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        NAME, FOLDER, SAMPLE = sys.argv[1:]
        print(json.dumps(_measure(NAME, TimedRun(RunFolder(Path(FOLDER)), Sample(path=Path(SAMPLE))))))  # noqa: T201
    else:
        with TemporaryDirectory() as made:
            write_report("ranking", ranking(Path(made), int(sys.argv[1]) if sys.argv[1:] else ROWS))
