"""Whether many screenings keep what was promised as often as was stated."""

import numpy as np

from tasks.core.metrics.share_bounds import share_interval
from tasks.core.screening.promise import Promise


def keeps(found: np.ndarray, promise: Promise) -> bool:
    """Say whether the share of screenings that keep the recall may be the stated confidence, by its own interval."""
    screened = found[~np.isnan(found)]
    assert len(screened) > 0.9 * len(found)
    return share_interval(int((screened >= promise.recall).sum()), len(screened), 0.999)[1] >= promise.confidence
