from dataclasses import replace

import numpy as np
import pytest

from tasks.core.conversion.parity.gate import judge
from tasks.core.round.conversion_section import BALANCED, STRICT
from tests.support.label_figures import FIGURES

REFERENCE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], np.float32)
TEXTS = ["first", "second", "third"]
ON_THE_LIMIT = replace(
    FIGURES,
    kendall_tau=0.99,
    kendall_tau_top=0.95,
    overlap={"20": 19 / 20, "100": 1 - 0.02, "1000": 980 / 1000, "1 %": 0.7 + 0.28},
    validation_ap_loss=0.902 - 0.9,
    test_ap_loss=0.002,
    distinct_top=990,
    distinct_top_checkpoint=1000,
)


def with_overlap(top, share):
    return {"overlap": FIGURES.overlap | {top: share}}


def test_a_figure_on_its_limit_passes():
    assert judge(ON_THE_LIMIT, 1e-3, STRICT) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kendall_tau": 0.9821}, "kendall_tau is 0.9821, at least 0.99 is needed"),
        ({"kendall_tau": 0.98999}, "kendall_tau is 0.98999, at least 0.99 is needed"),
        ({"kendall_tau": None}, "kendall_tau cannot be measured, at least 0.99 is needed"),
        ({"kendall_tau": float("nan")}, "kendall_tau cannot be measured, at least 0.99 is needed"),
        ({"kendall_tau_top": -0.5}, "kendall_tau_top is -0.5, at least 0.95 is needed"),
        ({"kendall_tau_top": None}, "kendall_tau_top cannot be measured, at least 0.95 is needed"),
        (with_overlap("20", 0.9), "overlap at 20 is 0.9, at least 0.95 is needed"),
        (with_overlap("100", 0.97), "overlap at 100 is 0.97, at least 0.98 is needed"),
        (with_overlap("1000", 0.979), "overlap at 1000 is 0.979, at least 0.98 is needed"),
        (with_overlap("1 %", 0.5), "overlap at 1 % is 0.5, at least 0.98 is needed"),
        ({"validation_ap_loss": 0.0031}, "validation_ap_loss is 0.0031, at most 0.002 is allowed"),
        ({"test_ap_loss": 0.0201}, "test_ap_loss is 0.0201, at most 0.002 is allowed"),
        ({"probability_change": 0.0051}, "probability_change is 0.0051, at most 0.005 is allowed"),
        ({"flip_share": 0.0501}, "flip_share is 0.0501, at most 0.05 is allowed"),
        ({"distinct_top": 500, "distinct_top_checkpoint": 1000}, "distinct_share is 0.5, at least 0.99 is needed"),
    ],
)
def test_each_figure_fails_with_its_value_and_limit(change, reason):
    assert judge(replace(FIGURES, **change), 0.0, STRICT) == [reason]


@pytest.mark.parametrize("variance", [0.0123, float("inf")])
def test_a_score_that_depends_on_its_neighbours_fails(variance):
    assert judge(FIGURES, variance, STRICT) == [f"batch_variance is {variance:g}, at most 0.001 is allowed"]


def test_an_unmeasured_batch_variance_fails():
    assert judge(FIGURES, float("nan"), STRICT) == ["batch_variance cannot be measured, at most 0.001 is allowed"]


def test_all_reasons_are_given_and_a_gain_is_none():
    worse = replace(FIGURES, kendall_tau=0.5, overlap=dict.fromkeys(FIGURES.overlap, 0.0), test_ap_loss=-0.3)
    assert [reason.split(" is ")[0] for reason in judge(worse, 1.0, STRICT)] == [
        "kendall_tau", "overlap at 20", "overlap at 100", "overlap at 1000", "overlap at 1 %", "batch_variance",
    ]  # fmt: skip


def test_the_chosen_limits_count():
    figures = replace(FIGURES, kendall_tau=0.985, test_ap_loss=0.004)
    assert len(judge(figures, 0.0, STRICT)) == 2
    assert judge(figures, 0.0, BALANCED) == []
    assert judge(figures, 0.0, replace(BALANCED, kendall_tau=0.986)) == [
        "kendall_tau is 0.985, at least 0.986 is needed"
    ]


def test_a_split_without_average_precision_is_judged_by_the_rest():
    blank = replace(FIGURES, validation_ap_loss=None, test_ap_loss=None)
    assert judge(blank, 0.0, STRICT) == []
    assert judge(replace(blank, kendall_tau=0.1), 0.0, STRICT) == ["kendall_tau is 0.1, at least 0.99 is needed"]
