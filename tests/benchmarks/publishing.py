"""What publishing takes, beside document 003's way: `make bench NAME=publishing`.

A run of 2,000,000 made-up rows and five labels goes to a Redis of its own from two processes, while a reader asks for
texts of an earlier version; then readers are switched to and fro. `python -m tests.benchmarks.publishing --rows 200000`
takes fewer.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.core.publishing.pruning import remove
from tasks.core.publishing.publication import Publication, plan_publication
from tasks.core.publishing.redis_connection import Client, open_redis
from tasks.core.publishing.version_state import begin, switch, verify_counts
from tasks.core.round.publishing_section import Publishing, RedisPlace
from tasks.core.runs.plan import Shard
from tests.benchmarks.publishing_reader import (
    Expected,
    expected_of,
    figures_of,
    load,
    load_old_way,
    read_until,
    say,
)
from tests.benchmarks.ranking_runs import LABELS, smaller_run, write_run
from tests.benchmarks.report import write_report
from tests.support.redis_server import RedisServer
from tests.support.scored_runs import ScoredRun, scored_run

ROWS, FILES, WORKERS, SWITCHES = 2_000_000, 40, 2, 20
EARLIER_FILES = 4
"""The version that readers see at first has so many of the files."""
OLD_WAY_FILES = 2
"""The old way is tried with so many of the files, for one SET a row is slow."""
NOTED_IDS = 1_000
BETWEEN_SWITCHES_SECONDS = 0.1
SPAWN = multiprocessing.get_context("spawn")


def publishing(folder: Path, rows: int) -> dict[str, Any]:
    """Make the runs, publish them, and return the figures."""
    run = write_run(folder / "run", rows, FILES)
    small = smaller_run(run, folder / "part", EARLIER_FILES)
    earlier = scored_run(folder / "earlier", small.sample, list(LABELS), _other_scores, rows // FILES)
    server = RedisServer(folder / "redis").start()
    try:
        with ProcessPoolExecutor(WORKERS, SPAWN) as pool:
            return _published(folder, server, run, earlier, pool) | _old_way(server, run, pool)
    finally:
        server.stop()


def _published(
    folder: Path, server: RedisServer, run: ScoredRun, earlier: ScoredRun, pool: ProcessPoolExecutor
) -> dict[str, Any]:
    first, _ = _plan(server.place, earlier)
    second, planning = _plan(server.place, run)
    labels = list(LABELS)
    expected = {first.name: expected_of(earlier, labels, NOTED_IDS), second.name: expected_of(run, labels, NOTED_IDS)}
    with open_redis(server.place) as client:
        _load(client, first, pool)
        switch(client, first.country_keys, first.name)
        with _reading(folder / "quiet.json", server.place, expected):
            time.sleep(2)
        before = client.info("memory")["used_memory"]
        with _reading(folder / "load.json", server.place, expected):
            loading, counting = _load(client, second, pool)
        used = client.info("memory")["used_memory"] - before
        best = sum(client.memory_usage(second.keys.best(label), samples=0) for label in LABELS)
        with _reading(folder / "switch.json", server.place, expected):
            for number in range(SWITCHES):
                switch(client, first.country_keys, (second, first)[number % 2].name)
                time.sleep(BETWEEN_SWITCHES_SECONDS)
        switch(client, first.country_keys, first.name)
        with _reading(folder / "removal.json", server.place, expected):
            removing = _seconds(lambda: remove(client, first.country_keys, second.name, 1_000_000))
    readers = {phase: figures_of(folder / f"{phase}.json") for phase in ("quiet", "load", "switch", "removal")}
    rows = run.plan.rows
    return {
        "rows": rows,
        "labels": len(LABELS),
        "workers": WORKERS,
        "rows_per_second": round(rows / loading),
        "mib_per_million": round(used / 2**20 / rows * 1e6, 1),
        "mib_per_million_of_sorted_sets": round(best / 2**20 / rows * 1e6, 1),
        "reader_p99_ms_during_load": readers["load"]["p99_ms"],
        "reader_p99_ms_during_switch": readers["switch"]["p99_ms"],
        "mixed_answers": sum(int(figures["mixed_answers"]) for figures in readers.values()),
        "readers": readers,
        "planning_seconds": round(planning, 1),
        "counting_seconds": round(counting, 2),
        "removing_seconds": round(removing, 2),
    }


def _plan(place: RedisPlace, run: ScoredRun) -> tuple[Publication, float]:
    started = time.monotonic()
    settings = Publishing(redis=place)
    return plan_publication("US", "iter0", [run.folder.path], settings, {}), time.monotonic() - started


def _load(client: Client, publication: Publication, pool: ProcessPoolExecutor) -> tuple[float, float]:
    """Load and count a version; return how long each took."""
    begin(client, publication)
    loading = _seconds(lambda: _on_all(pool, load, publication.shards, publication))
    say(f"{publication.name}: {publication.rows} rows in {loading:.1f} s")
    return loading, _seconds(lambda: verify_counts(client, publication))


def _on_all(pool: ProcessPoolExecutor, work: Callable[..., int], shards: Sequence[Any], *first: Any) -> int:
    """Have shards done by all workers, one at a time."""
    return sum(done.result() for done in [pool.submit(work, *first, [shard]) for shard in shards])


def _old_way(server: RedisServer, run: ScoredRun, pool: ProcessPoolExecutor) -> dict[str, Any]:
    """Load some of the rows as document 003 did, and as it could have with pipelines."""
    found = {}
    numbers = [shard.number for shard in run.plan.shards[:OLD_WAY_FILES]]
    rows = sum(run.plan.shards[number].rows for number in numbers)
    for name, at_once in (("old_way", 1), ("old_way_in_pipelines", 10_000)):
        server.client.flushall()
        before = server.client.info("memory")["used_memory"]
        started = time.monotonic()
        jobs = [pool.submit(load_old_way, server.place, run, [number], at_once) for number in numbers]
        rows = sum(job.result() for job in jobs)
        found[f"{name}_rows_per_second"] = round(rows / (time.monotonic() - started))
        used = server.client.info("memory")["used_memory"] - before
        found["old_way_mib_per_million"] = round(used / 2**20 / rows * 1e6, 1)
    return found


@contextmanager
def _reading(report: Path, place: RedisPlace, expected: Expected) -> Iterator[None]:
    stop = SPAWN.Event()
    reader = SPAWN.Process(target=read_until, args=(place, expected, stop, report))
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()


def _seconds(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _other_scores(label: str, shard: Shard, ids: pa.ChunkedArray) -> tuple[np.ndarray, None]:
    random = np.random.default_rng([3, LABELS.index(label), shard.number])
    return 1 / (1 + np.exp(-random.normal(-4.0, 2.0, len(ids)))), None


def main() -> None:
    """Write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with TemporaryDirectory() as folder:
        figures = publishing(Path(folder), rows)
    faster = figures["rows_per_second"] / figures["old_way_rows_per_second"]
    lighter = figures["old_way_mib_per_million"] / figures["mib_per_million"]
    figures["over_old_way"] = {"speed": round(faster, 1), "memory": round(lighter, 2)}
    write_report("publishing", figures)


if __name__ == "__main__":
    main()
