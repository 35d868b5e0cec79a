"""When a figure says less than it seems to: each rule, and the one limit that it goes by.

Sentences for people are made of them by warning_words.py beside it.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.core.metrics.figures import LOWER_IS_BETTER
from tasks.core.metrics.share_bounds import share_interval

TOP_SHARE = 0.5
"""A best k of more than this share of the texts is no top of them: a ranking by chance keeps as large a share of it."""
CUT_SHARE = 0.05
"""A model that does not see the ends of more than this share of its texts reads too little of them."""
LENGTH_STEP = 8
"""A longer maximum length is a multiple of this, as batches are padded best."""
CONFIDENCE = 0.99
"""Shares of positives lie apart where chance alone would part them so in less than 1 % of all draws."""


def is_behind(metric: str, model: float, baseline: float) -> bool:
    """Say whether a cheaper baseline has a better figure than the model; one that is equal is not better."""
    return model > baseline if metric in LOWER_IS_BETTER else model < baseline


def has_spread(runs: int) -> bool:
    """Say whether so many runs of a model have a standard deviation: a single one has none."""
    return runs > 1


def has_edge(size: int, texts: int) -> bool:
    """Say whether a best k of `size` leaves some of the texts out: no model could be wrong about a best k of all."""
    return size < texts


def is_a_top(size: int, texts: int) -> bool:
    """Say whether the share that a model keeps of a best k of `size` tells anything of how it ranks the texts."""
    return size <= TOP_SHARE * texts


def shares_differ(first: tuple[int, int], second: tuple[int, int], comparisons: int = 1) -> bool:
    """Say whether two splits, each (positives, negatives), are unlike draws of one pool: Fisher's exact test.

    Of several `comparisons` each gets its part of the 1 % (Bonferroni), so that it holds for all of them together.
    """
    from scipy.stats import fisher_exact  # noqa: PLC0415 - half a second, where splits are compared

    return bool(fisher_exact([first, second]).pvalue < (1 - CONFIDENCE) / comparisons)


def is_far_from_pool(positives: int, negatives: int, low: float, high: float) -> bool:
    """Say whether a split's exact interval leaves out all shares from `low` to `high`, where the pool's lies."""
    least, most = share_interval(positives, positives + negatives, CONFIDENCE)
    return most < low or least > high


def cut_share(tokens: NDArray[np.int64], length: int) -> float:
    """Return the share of texts, each of so many `tokens`, that are cut at a maximum length."""
    return float(np.mean(tokens > length))


def is_cut_often(share: float) -> bool:
    """Say whether so large a share of texts is cut that their model should be given more tokens."""
    return share > CUT_SHARE


def length_that_cuts_less(tokens: NDArray[np.int64], longest: int | None) -> int:
    """Return the least maximum length, in steps of 8, at which no more than 5 % of the texts are cut.

    It is no more than `longest`, which the base model reads; None where that is not known.
    """
    allowed = int(CUT_SHARE * len(tokens))
    needed = int(np.sort(tokens)[len(tokens) - 1 - allowed])
    rounded = -(-needed // LENGTH_STEP) * LENGTH_STEP
    return rounded if longest is None else min(rounded, longest)
