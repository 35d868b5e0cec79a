from dataclasses import replace

import pytest

from tasks.core.conversion.parity.gate import Verdict, judge, judge_scored
from tasks.core.round.conversion_section import BALANCED, STRICT
from tests.support.label_figures import FIGURES, SHIFT, with_top

ON_THE_LIMIT = replace(
    FIGURES,
    kendall_tau=0.99,
    kendall_tau_top=0.95,
    shift=with_top("100", displacement=0.3 - 0.2, regret=0.001),
    validation_ap_loss=0.902 - 0.9,
    test_ap_loss=0.002,
    distinct_top=990,
    distinct_top_checkpoint=1000,
)


def reasons(change, limits=STRICT, variance=0.0):
    return list(judge(replace(FIGURES, **change), variance, limits).reasons)


def test_a_figure_on_its_limit_passes():
    assert judge(ON_THE_LIMIT, 1e-3, STRICT).reasons == ()
    edge = replace(SHIFT, texts=4_000, probability_shift=-0.002, rms_error=0.1, flips_beyond=2)
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
            {"flips_beyond": 3},
            "flips_beyond over all 5000 scored texts is 0.0006, at most 0.0005 is allowed",
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
    shift = with_top("20", displacement=1.0, regret=0.5)
    worse = {"kendall_tau": 0.5, "shift": shift, "test_ap_loss": -0.3}
    assert [reason.split(" is ")[0] for reason in reasons(worse, variance=1.0)] == [
        "kendall_tau", "displacement at 20", "regret at 20", "batch_variance",
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
    ("displacement", "beyond", "near"),
    [(0.04, 0, False), (0.06, 0, True), (0.12, 1, True), (0.9, 2, True), (0.12, 3, False), (0.9, 40, False)],
)
def test_a_displacement_is_near_its_limit_when_few_texts_decide(displacement, beyond, near):
    figures = replace(FIGURES, shift=with_top("100", displacement=displacement, beyond=beyond))
    assert judge(figures, 0.0, STRICT).near == (("displacement at 100",) if near else ())


@pytest.mark.parametrize(("tau", "near"), [(0.992, False), (0.9905, True), (0.9895, True), (0.98, False)])
def test_an_average_is_near_its_limit_within_a_tenth(tau, near):
    assert judge(replace(FIGURES, kendall_tau=tau), 0.0, STRICT).near == (("kendall_tau",) if near else ())


def test_what_fails_clearly_is_not_near_the_limit():
    shift = with_top("100", displacement=0.12, beyond=1)
    assert judge(replace(FIGURES, shift=shift, kendall_tau=0.5), 0.0, STRICT).near == ()
    assert judge(replace(FIGURES, shift=shift, test_ap_loss=0.0021), 0.0, STRICT).near == ()
    near, firm = Verdict((), ("displacement at 100",)), Verdict(("kendall_tau is 0.5",))
    assert (near + firm).near == (firm + near).near == ()
    assert (near + Verdict()).near == near.near
