"""How scoring's time and memory grow with rows, repeats and workers."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan
from tests.benchmarks.five_labels import FiveLabels
from tests.benchmarks.turns import paired_ratio, rate_of, take_turns
from tests.support.memory import peak_kibibytes

SHARD_ROWS = 1_000
REPEATED_ROWS = 3_000
SIZES = (1, 2, 4, 8)
WORKED_SHARDS = 6
PRODUCTS = """
import time
import numpy as np
square = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
started = time.monotonic()
for _ in range(40_000):
    square @ square
print(time.monotonic() - started)
"""


def duplicates_cost_ratio(labels: FiveLabels, folder: Path) -> float:
    """Return the cost of a shard of which 30 % repeat other rows, over that of one without repeats."""
    once = labels.run(folder / "once", REPEATED_ROWS)
    repeated = labels.run(folder / "repeated", REPEATED_ROWS, repeated=0.3)
    rates = take_turns({"once": rate_of(once.score, 1), "repeated": rate_of(repeated.score, 1)}, 3)
    return paired_ratio(rates["once"], rates["repeated"])


def growth(labels: FiveLabels, folder: Path) -> dict[str, Any]:
    """Score 1, 2, 4 and 8 shards, each in a process of its own."""
    found = []
    for shards in SIZES:
        run = labels.run(folder / f"growth-{shards}", shards * SHARD_ROWS, SHARD_ROWS)
        (cost,) = _work(run.folder, [list(range(shards))])
        found.append({"rows": shards * SHARD_ROWS, **cost})
    least, most = found[0], found[-1]
    return {
        "growth": found,
        "time_growth_over_rows_growth": most["cpu_seconds"] / least["cpu_seconds"] / SIZES[-1],
        "memory_growth": most["peak_mebibytes"] / least["peak_mebibytes"],
    }


def two_workers_speedup(labels: FiveLabels, folder: Path) -> dict[str, Any]:
    """Score shards with one process and with two at once; opening the models is not counted.

    Beside it what two processes gain on this machine at all, on matrix products that fit a core's cache.
    """
    run = labels.run(folder / "workers", WORKED_SHARDS * SHARD_ROWS, SHARD_ROWS)
    numbers = list(range(WORKED_SHARDS))
    alone = max(cost["seconds"] for cost in _work(run.folder, [numbers]))
    both = max(cost["seconds"] for cost in _work(run.folder, [numbers[::2], numbers[1::2]]))
    return {"two_workers_speedup": alone / both, "two_processes_ceiling": _two_processes_ceiling()}


def _two_processes_ceiling() -> float:
    """Return how much more two processes do in a second than one, on work that shares nothing."""
    seconds = []
    for processes in (1, 2):
        running = [subprocess.Popen([sys.executable, "-c", PRODUCTS], stdout=subprocess.PIPE) for _ in range(processes)]
        seconds.append(max(float(process.communicate()[0]) for process in running))
    return 2 * seconds[0] / seconds[1]


def _work(folder: RunFolder, parts: list[list[int]]) -> list[dict[str, float]]:
    """Let a process for each part score its shards, all at once, and return what each took."""
    commands = [[sys.executable, "-m", __name__, str(folder.path), json.dumps(part)] for part in parts]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    return [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]


def worker(path: str, shards: list[int]) -> None:
    """Open the models on the first shard, then score all of them; print seconds and peak memory."""
    folder = RunFolder(Path(path))
    plan = read_plan(folder)
    score_shard(plan, plan.shards[shards[0]], folder)
    started, cpu = time.monotonic(), time.process_time()
    for number in shards:
        score_shard(plan, plan.shards[number], folder)
    cost = {"seconds": time.monotonic() - started, "cpu_seconds": time.process_time() - cpu}
    cost["peak_mebibytes"] = peak_kibibytes() / 1024
    sys.stdout.write(json.dumps(cost) + "\n")


if __name__ == "__main__":
    worker(sys.argv[1], json.loads(sys.argv[2]))
