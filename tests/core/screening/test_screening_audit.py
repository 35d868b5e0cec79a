"""The audit of what was screened out: exact, and it says so where it cannot tell."""

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.metrics.share_bounds import share_bound
from tasks.core.screening.certify import certify_label
from tasks.core.screening.joint_path import JointPath
from tasks.core.screening.promise import Promise
from tasks.core.screening.screening_audit import audit_label
from tests.support.simulated import COSTS1, Population, draw_three, population

PROMISE = Promise()


def audit(misses, texts, screened_out=950_000, kept=5_000):
    return audit_label(texts, misses, screened_out, kept, PROMISE)


@pytest.mark.parametrize(
    ("misses", "texts", "verdict"),
    [(0, 100_000, "kept"), (0, 30_000, "cannot tell"), (5, 100_000, "cannot tell"), (20, 100_000, "not kept")],
)
def test_the_verdict_is_what_the_bound_leaves(misses, texts, verdict):
    found = audit(misses, texts)
    assert found.verdict == verdict
    assert found.low <= found.missed_share <= found.high
    assert f"promise {verdict}" in found.sentence
    assert f"{misses} are of the expert's top" in found.sentence


def test_no_miss_bounds_the_rate_by_three_of_the_texts():
    found = audit(0, 100_000)
    assert found.missed_share == found.low == 0
    worst = share_bound(0, 100_000, 0.975) * 950_000
    assert found.high == pytest.approx(worst / (worst + 5_000))


def test_nothing_audited_tells_nothing():
    assert audit(0, 0).verdict == "cannot tell"
    assert audit(0, 0).high > 0.99


def test_what_is_audited_whole_is_known():
    found = audit_label(10_000, 100, 10_000, 5_000, PROMISE)
    assert found.missed_share == pytest.approx(100 / 5_100)
    assert found.verdict == "not kept"


@pytest.mark.parametrize(("texts", "misses"), [(11, 0), (5, 6), (5, -1)])
def test_counts_that_cannot_be_an_audits_are_refused(texts, misses):
    with pytest.raises(InputDataError, match=f"{texts} texts were audited of 10 screened out, and {misses}"):
        audit_label(texts, misses, 10, 5, PROMISE)


@pytest.mark.parametrize(("rate", "wrong"), [(0.008, "not kept"), (0.013, "kept")])
def test_a_wrong_verdict_is_as_rare_as_the_confidence_says(rate, wrong):
    """Of 5,000 top texts a little fewer, or more, than the promised 1 % were missed; each audit draws anew."""
    missed = round(rate * 5_000)
    misses = np.random.default_rng(0).binomial(200_000, missed / 950_000, 400)
    verdicts = [audit(int(found), 200_000, kept=5_000 - missed).verdict for found in misses]
    assert np.mean([verdict == wrong for verdict in verdicts]) < 0.08


def test_a_pool_that_drifts_after_its_calibration_is_told():
    """The draws are of the pool's first half alone; of the second half the screen sees much less."""
    promise, random = Promise(0.02, 0.95, 0.95), np.random.default_rng(1)
    first, second = population(0).only(0), population(1, noise=(4.0, 0.6)).only(0)
    label = certify_label(*draw_three(first, promise, random), promise, COSTS1)

    def verdict(pool):
        out = JointPath(label.offsets).settings(pool.stages) < label.threshold
        kept = int((pool.expert[~out] >= label.top_from).sum())
        drawn = random.choice(np.flatnonzero(out), 100_000, replace=False)
        misses = int((pool.expert[drawn] >= label.top_from).sum())
        return audit_label(len(drawn), misses, int(out.sum()), kept, promise).verdict

    both = Population(np.r_[first.expert, second.expert], np.r_[first.stages, second.stages])
    assert verdict(first) == "kept"
    assert verdict(both) == "not kept"
