from dataclasses import replace

import pytest

from tasks.core.conversion.parity.gate import Verdict, judge, judge_scored
from tasks.core.round.conversion_section import BALANCED, STRICT
from tests.support.label_figures import FIGURES, SHIFT, with_top

ON_THE_LIMIT = replace(
    FIGURES,
    kendall_tau=0.99,
    kendall_tau_top=0.95,
    shift=replace(with_top("100", displacement=0.3 - 0.2, regret=0.001), flip_distance=0.1),
    validation_ap_loss=0.902 - 0.9,
    test_ap_loss=0.002,
    distinct_top=990,
    distinct_top_checkpoint=1000,
)


def reasons(change, limits=STRICT, variance=0.0):
    return list(judge(replace(FIGURES, **change), variance, limits).reasons)


def test_a_figure_on_its_limit_passes():
    assert judge(ON_THE_LIMIT, 1e-3, STRICT).reasons == ()
    edge = replace(SHIFT, probability_shift=-0.002, rms_error=0.1, flip_distance=0.1)
    assert judge_scored(edge, STRICT).reasons == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kendall_tau": 0.9821}, "kendall_tau is 0.9821, at least 0.99 is needed"),
        ({"kendall_tau": 0.98999}, "kendall_tau is 0.98999, at least 0.99 is needed"),
        ({"kendall_tau": None}, "kendall_tau cannot be measured, at least 0.99 is needed"),
        ({"kendall_tau": float("nan")}, "kendall_tau cannot be measured, at least 0.99 is needed"),
        ({"kendall_tau_top": -0.5}, "kendall_tau_top is -0.5, at least 0.95 is needed"),
        ({"kendall_tau_top": None}, "kendall_tau_top cannot be measured, at least 0.95 is needed"),
        ({"shift": with_top("20", displacement=0.11)}, "displacement at 20 is 0.11, at most 0.1 is allowed"),
        ({"shift": with_top("100", displacement=0.5)}, "displacement at 100 is 0.5, at most 0.1 is allowed"),
        ({"shift": with_top("1 %", displacement=8.0)}, "displacement at 1 % is 8, at most 0.1 is allowed"),
        ({"shift": with_top("1000", regret=0.0011)}, "regret at 1000 is 0.0011, at most 0.001 is allowed"),
        ({"shift": replace(SHIFT, flip_distance=0.2)}, "displacement at threshold is 0.2, at most 0.1 is allowed"),
        ({"validation_ap_loss": 0.0031}, "validation_ap_loss is 0.0031, at most 0.002 is allowed"),
        ({"test_ap_loss": 0.0201}, "test_ap_loss is 0.0201, at most 0.002 is allowed"),
        ({"distinct_top": 500, "distinct_top_checkpoint": 1000}, "distinct_share is 0.5, at least 0.99 is needed"),
    ],
)
def test_each_figure_fails_with_its_value_and_limit(change, reason):
    assert reasons(change) == [reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"probability_shift": -0.003},
            "probability_shift over all 5000 scored texts is 0.003, at most 0.002 is allowed",
        ),
        ({"rms_error": 0.2}, "rms_error over all 5000 scored texts is 0.2, at most 0.1 is allowed"),
        (
            {"flip_distance": 1.0},
            "displacement at threshold over all 5000 scored texts is 1, at most 0.1 is allowed",
        ),
    ],
)
def test_what_all_scored_texts_show_fails_with_their_number(change, reason):
    assert judge_scored(replace(SHIFT, **change), STRICT).reasons == (reason,)


@pytest.mark.parametrize("variance", [0.0123, float("inf")])
def test_a_score_that_depends_on_its_neighbours_fails(variance):
    assert reasons({}, variance=variance) == [f"batch_variance is {variance:g}, at most 0.001 is allowed"]


def test_an_unmeasured_batch_variance_fails():
    assert reasons({}, variance=float("nan")) == ["batch_variance cannot be measured, at most 0.001 is allowed"]


def test_all_reasons_are_given_and_a_gain_is_none():
    shift = replace(with_top("20", displacement=1.0, regret=0.5), flip_distance=3.0)
    worse = {"kendall_tau": 0.5, "shift": shift, "test_ap_loss": -0.3}
    assert [reason.split(" is ")[0] for reason in reasons(worse, variance=1.0)] == [
        "kendall_tau", "displacement at 20", "displacement at threshold", "regret at 20", "batch_variance",
    ]  # fmt: skip


def test_the_chosen_limits_count():
    figures = {"kendall_tau": 0.985, "test_ap_loss": 0.004, "shift": with_top("100", displacement=0.2)}
    assert len(reasons(figures)) == 3
    assert reasons(figures, BALANCED) == []
    assert reasons(figures, replace(BALANCED, kendall_tau=0.986)) == ["kendall_tau is 0.985, at least 0.986 is needed"]


def test_a_split_without_average_precision_is_judged_by_the_rest():
    blank = {"validation_ap_loss": None, "test_ap_loss": None}
    assert reasons(blank) == []
    assert reasons(blank | {"kendall_tau": 0.1}) == ["kendall_tau is 0.1, at least 0.99 is needed"]


@pytest.mark.parametrize(
    ("displacement", "near"),
    [(0.06, ()), (0.09, ("displacement at 100",)), (0.12, ("displacement at 100",)), (0.2, ())],
)
def test_a_figure_near_its_limit_is_named_whether_it_passes_or_fails(displacement, near):
    assert judge(replace(FIGURES, shift=with_top("100", displacement=displacement)), 0.0, STRICT).near == near


def test_what_fails_clearly_is_not_near_the_limit():
    shift = with_top("100", displacement=0.12)
    assert judge(replace(FIGURES, shift=shift, kendall_tau=0.5), 0.0, STRICT).near == ()
    assert judge(replace(FIGURES, shift=shift, test_ap_loss=0.0021), 0.0, STRICT).near == ()
    near, firm = Verdict((), ("displacement at 100",)), Verdict(("kendall_tau is 0.5",))
    assert (near + firm).near == (firm + near).near == ()
    assert (near + Verdict()).near == near.near
