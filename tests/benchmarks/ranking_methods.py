"""What the benchmark of ranking times, by name: each a function of a run, in a process of its own.

A method that is added to METHODS is timed at every size, and counts in the figures of all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import get_args

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.core.base.threads import cpu_threads
from tasks.core.ranking.ranked import MEMORY_GIB, Ranked, open_ranked
from tasks.core.ranking.row_texts import with_texts
from tasks.core.round.sampling_section import MethodName, Sampling
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import list_parts
from tasks.core.runs.plan_file import read_plan
from tasks.core.sampling.label_draws import draw_label
from tasks.core.sampling.label_pool import LabelledBefore, LabelPool
from tests.benchmarks.ranking_runs import LABELS

TOP = 10_000
KEY = "benchmark"
STRATA = 10


@dataclass(frozen=True)
class TimedRun:
    """A finished run, as a method gets it."""

    folder: RunFolder
    sample: Sample
    memory_gib: float = MEMORY_GIB

    def parts(self, label: str = LABELS[0]) -> list[Path]:
        """Return where the label's parts lie."""
        return list_parts(read_plan(self.folder), self.folder, label)


Method = Callable[[TimedRun], int]
"""Does what is timed, and returns how many rows it gave."""


def _of_ranked(method: Callable[[Ranked], pa.Table]) -> Method:
    def timed(run: TimedRun) -> int:
        with open_ranked(run.folder, LABELS[0], "expert", run.memory_gib) as ranked:
            return int(method(ranked).num_rows)

    return timed


def _at_spaced_ranks(ranked: Ranked) -> pa.Table:
    return ranked.at(np.unique(np.geomspace(1, min(1_000_000, ranked.rows), 17).astype(int)).tolist())


def _draw_strata(ranked: Ranked) -> pa.Table:
    edges = np.unique(np.geomspace(1, ranked.rows, STRATA + 1).astype(int)).tolist()
    return pa.concat_tables([ranked.draw(first, last, 10, KEY) for first, last in pairwise(edges)])


def _with_texts(run: TimedRun) -> int:
    with open_ranked(run.folder, LABELS[0], "expert", run.memory_gib) as ranked:
        return int(with_texts(ranked.random(100, KEY), run.sample).num_rows)


def _sampled(method: MethodName) -> Method:
    """Draw a label's batch by a method of sampling, as the flow does for each label; nothing was labelled before."""

    def timed(run: TimedRun) -> int:
        pool = LabelPool(
            run_folder=str(run.folder.path),
            label=LABELS[0],
            sample=run.sample,
            settings=Sampling(memory_gib=run.memory_gib),
            language="en",
            before=LabelledBefore(frozenset(), frozenset()),
            used_motifs=(),
            threshold=0.5,
        )
        return int(draw_label(pool, method).rows.num_rows)

    return timed


METHODS: dict[str, Method] = {
    "open": _of_ranked(lambda ranked: ranked.top(0)),
    "top_100": _of_ranked(lambda ranked: ranked.top(100)),
    "top_10000": _of_ranked(lambda ranked: ranked.top(TOP)),
    "between_in_the_middle": _of_ranked(lambda ranked: ranked.between(ranked.rows // 2, ranked.rows // 2 + 99)),
    "around_a_half": _of_ranked(lambda ranked: ranked.around(0.5, 50, 50)),
    "at_17_spaced_ranks": _of_ranked(_at_spaced_ranks),
    "draw_from_10_strata": _of_ranked(_draw_strata),
    "random_100": _of_ranked(lambda ranked: ranked.random(100, KEY)),
    "random_1000000": _of_ranked(lambda ranked: ranked.random(1_000_000, KEY)),
    "random_100_with_texts": _with_texts,
    **{f"sampling_{method}": _sampled(method) for method in get_args(MethodName)},
}


def bare_scan(run: TimedRun) -> int:
    """Take the best of one label by DuckDB alone, as nobody would who needs ties, stages or a sound run."""
    files = [str(path) for path in run.parts()]
    with duckdb.connect(config={"threads": str(cpu_threads())}) as connection:
        query = f"select * from read_parquet(?) order by score desc limit {TOP}"  # noqa: S608 - a number
        return len(connection.execute(query, [files]).fetchall())


def by_polars(run: TimedRun) -> int:
    """Take the best of one label by polars, where somebody installed it: it is no dependency of Winnow's."""
    polars = import_module("polars")
    scan = polars.scan_parquet([str(path) for path in run.parts()])
    return int(scan.top_k(TOP, by="score").collect(engine="streaming").height)


def by_pandas(run: TimedRun) -> int:
    """Do as the old scripts did: all texts and all labels' scores in memory, merged by id, and sorted by each label."""
    texts = sorted(Path(run.sample.path).iterdir())
    table = pd.concat([pd.read_parquet(path) for path in texts], ignore_index=True)
    for label in LABELS:
        scores = pd.concat([pd.read_parquet(path) for path in run.parts(label)], ignore_index=True)
        table = table.merge(scores.rename(columns={"score": label}), on="tweet_id")
    return max(len(table.sort_values(label, ascending=False).head(TOP)) for label in LABELS)


RIVALS: dict[str, Method] = {"bare_scan": bare_scan, "polars": by_polars, "pandas": by_pandas}
