"""How ten billion rows would be ranked on a cluster: simulated from counts of bins, `make bench NAME=ranking_cluster`.

No row is made. The counts of every shard's receipt are drawn, and from them follows which parts and row groups hold a
wanted row, what is read of them, and what workers and coordinator send each other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tasks.core.runs.parts import ROW_GROUP_ROWS
from tasks.core.runs.score_bins import BINS, FIRST_OF_EXPERT, bounds_of
from tests.benchmarks.ranking_runs import CENTRE, SPREAD
from tests.benchmarks.report import write_report

SHARD_ROWS = 250_000
SHARDS = {"100m": 400, "1bn": 4_000, "10bn": 40_000}
TOPS = (100, 10_000, 1_000_000)
WORKERS = 64
SCORE_BYTES, ID_BYTES = 7.6, 8.6
"""A row takes so much in a part: scores do not compress, ids of 19 digits to less than half."""
CANDIDATE_BYTES = 60
"""A row that is sent has its id, score, shard and place."""
LEAST_SHARE = 1e-14
"""Bins with a smaller share have no row of ten billion."""

Floats = NDArray[np.float64]


def simulate(shards: int, shares: Floats) -> dict[str, Any]:
    """Draw the counts of so many shards, and say what tops of several sizes read and send."""
    random = np.random.default_rng(7)
    counts = np.stack([random.multinomial(SHARD_ROWS, shares).astype(np.int32) for _ in range(shards)])
    from_top = np.cumsum(counts.sum(axis=0, dtype=np.int64)[::-1])
    return {
        "rows": shards * SHARD_ROWS,
        "workers": WORKERS,
        "counts_sent_by_all_workers_mib": round(WORKERS * len(shares) * 8 / 2**20, 1),
        "tops": {str(top): _top(counts, int(np.searchsorted(from_top, top)), top) for top in TOPS},
    }


def _top(counts: NDArray[np.int32], place: int, top: int) -> dict[str, Any]:
    """Say what the best rows down to a bin take; bins are counted from the top."""
    wanted = counts[:, counts.shape[1] - 1 - place :].sum(axis=1)
    groups = SHARD_ROWS / ROW_GROUP_ROWS
    holding = groups * (1 - (1 - wanted / SHARD_ROWS) ** ROW_GROUP_ROWS)
    read = holding * ROW_GROUP_ROWS * (SCORE_BYTES + ID_BYTES)
    by_worker = np.add.reduceat(read, np.linspace(0, len(read), WORKERS, endpoint=False).astype(int))
    return {
        "candidates": int(wanted.sum()),
        "candidates_over_top": round(float(wanted.sum()) / top, 3),
        "share_of_parts_read": round(float((wanted > 0).mean()), 4),
        "share_of_row_groups_read": round(float(holding.sum() / (groups * len(counts))), 4),
        "read_gib": round(float(read.sum()) / 2**30, 2),
        "read_by_a_worker_gib": round(float(by_worker.max()) / 2**30, 3),
        "sent_mib": round(float(wanted.sum()) * CANDIDATE_BYTES / 2**20, 1),
    }


def _shares() -> Floats:
    """Return the share of an expert's scores in each bin that has any, from the lowest to the highest."""
    lowest = [bounds_of(bin_, bin_)[0] for bin_ in range(FIRST_OF_EXPERT, BINS)]
    edges = np.clip(lowest, np.finfo(float).tiny, None)
    above = np.append(ndtr((CENTRE - np.log(edges / (1 - edges))) / SPREAD), 0.0)
    shares = above[:-1] - above[1:]
    return np.asarray(shares[shares > LEAST_SHARE] / shares[shares > LEAST_SHARE].sum())


if __name__ == "__main__":
    SHARES = _shares()
    write_report("ranking_cluster", {size: simulate(shards, SHARES) for size, shards in SHARDS.items()})
