"""The screening benchmark's sums: what it scales to other pools is what the stages took, and no stage twice."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.runs.shards.receipts import Receipt, ScreenedRows
from tasks.core.screening.draw_sizes import DrawSizes
from tests.benchmarks.kept_tops import kept, overlap, passing_but, top_rows
from tests.benchmarks.screening_costs import Passing, Spent, UnitCosts, add_up, left_over, stage_seconds

RECEIPT = Receipt(
    shard=0,
    run_id="run",
    rows_in=100,
    rows_out={"a": 100, "b": 100},
    variants={},
    rows_quarantined=0,
    duplicate_texts=0,
    empty_texts=0,
    truncated_texts=0,
    input_mtime_ns=0,
    input_sha256="",
    files={},
    sha256={},
    histograms={},
    seconds=20.0,
    engine_seconds=15.0,
    threads=1,
    worker="here",
    processor="one",
    cpu_features=(),
    cpu_seconds=8.0,
)
"""Of its 20 seconds by the clock it had the core for 8."""
SCREENED = {
    "a": ScreenedRows({"expert": 5, "audited": 3, "drawn": 20, "ngrams": 72}, 1, 0),
    "b": ScreenedRows({"expert": 10, "drawn": 20, "ngrams": 70}, 1, 0),
}
COSTS = UnitCosts(
    drawing=1, draw_around=2, draw_engines=3, fitting=4, stage_1=5, tokenising=6, expert=7, writing=8
)  # fmt: skip
SIZES = DrawSizes(fit=10, choose=5, audit=100, calibrate=85)
NOTHING = UnitCosts(0, 0, 0, 0, 0, 0, 0, 0)


def test_a_shard_that_waited_for_the_core_has_spent_what_it_had_of_it():
    assert add_up([RECEIPT]) == Spent(rows=100, asked=200, engines=6.0, around=2.0)


def test_a_screened_shard_asked_for_what_passed_and_what_was_audited():
    found = add_up([RECEIPT, replace(RECEIPT, screened=SCREENED)])
    assert found == Spent(rows=200, asked=200 + 18, engines=12.0, around=4.0)


def test_what_is_left_over_is_no_other_stage():
    assert left_over(Spent(100, 18, 6.0, 2.0), 0.01, 0.05, 10) == pytest.approx(0.005)
    assert left_over(Spent(100, 18, 6.0, 2.0), 0.1, 0.05, 10) == 0


def test_every_stage_takes_its_own_rows():
    found = stage_seconds(COSTS, Passing([0.1, 0.2], 0.25), 1_000, SIZES, slower=2)
    assert found == pytest.approx({
        "drawing": 1_000,
        "draws": (2 + 2 * 3) * 100,
        "fitting": 40,
        "stage_1": 5_000,
        "tokenising": 6 * (0.25 + 0.1 * 0.75) * 900,
        "experts": 2 * 7 * (0.1 + 0.1 * 0.9 + 0.2 + 0.1 * 0.8) * 900,
        "writing": 8_000,
    })  # fmt: skip


def test_slower_experts_slow_the_draws_and_what_passed_alone():
    once, twice = (stage_seconds(COSTS, Passing([0.1], 0.1), 1_000, SIZES, slower=slower) for slower in (1, 2))
    assert {name for name in once if once[name] != twice[name]} == {"draws", "experts"}
    assert sum(stage_seconds(NOTHING, Passing([0.1], 0.1), 1_000, SIZES, slower=3).values()) == 0


EXPERT = np.arange(1_000.0)


def test_tops_are_compared_by_their_rows():
    other = EXPERT.copy()
    other[[995, 100]] = other[[100, 995]]
    assert overlap(EXPERT, EXPERT, 0.01) == 1
    assert overlap(EXPERT, other, 0.01) == 0.9
    assert kept(EXPERT, other >= 500, 0.01) == 0.9


def test_a_screen_loses_what_it_may_and_passes_no_more():
    top = np.isin(np.arange(1_000), top_rows(EXPERT, 0.1))
    assert passing_but(0.01, EXPERT, top).sum() == 99
    assert passing_but(0.005, EXPERT, top).sum() == 100
    assert passing_but(0.01, -EXPERT, top).sum() == 999


def test_rows_that_pass_for_any_label_are_counted_once():
    found = Passing.of([np.array([True, True, False, False]), np.array([True, False, False, True])])
    assert (found.labels, found.union) == ([0.5, 0.5], 0.75)
