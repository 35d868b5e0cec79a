"""What a run costs with screening is sums of what its stages take."""

import numpy as np
import pytest

from tasks.core.screening.certificate import LabelCertificate
from tasks.core.screening.screening_cost import Rates, StageCost, estimate_cost, measured_cost, passing_union

RATES = Rates(screen=1e-5, experts={"a": 0.037, "b": 0.037})


def passing(*shares, off=""):
    offsets = (0.0,) * (len(shares) - 1)
    return LabelCertificate(0, 0.005, 0.005, 0, 0, offsets, 0.0, 0, 0, shares, 0.99, 0.95, "", off)


def test_one_stage_and_the_experts():
    cost = estimate_cost(1_000_000, 100_000, {"a": passing(1, 0.02), "b": passing(1, 0.04)}, 0.05, RATES)
    assert [(stage.name, stage.texts_in) for stage in cost.stages] == [
        ("screen", 1_000_000),
        ("expert a", 118_000),
        ("expert b", 136_000),
    ]
    assert cost.core_seconds == pytest.approx(10 + (118_000 + 136_000) * 0.037)
    assert cost.core_seconds_without == pytest.approx(2_000_000 * 0.037)
    assert cost.times_cheaper == pytest.approx(74_000 / 9_408)
    assert cost.sentence == "2.61 core-hours instead of 20.6: 7.87 times cheaper."


def test_the_student_is_reached_by_the_union_of_the_labels():
    rates = Rates(1e-5, RATES.experts, student=0.002)
    cost = estimate_cost(1_000_000, 0, {"a": passing(1, 0.1, 0.02), "b": passing(1, 0.1, 0.03)}, 0.18, rates)
    student = cost.stages[1]
    assert (student.name, student.texts_in) == ("student", 180_000)
    assert student.core_seconds == pytest.approx(360)
    assert cost.stages[0].texts_out == 180_000


def test_a_label_that_is_not_screened_costs_its_expert_for_every_text():
    cost = estimate_cost(1_000, 100, {"a": passing(1, 0.02, off="too few"), "b": passing(1, 0.0)}, 1.0, RATES)
    assert [stage.texts_in for stage in cost.stages[1:]] == [1_000, 100]


def test_after_the_run_it_is_what_the_stages_took():
    stages = [StageCost("screen", 100, 7, 0.01), StageCost("expert a", 7, 7, 0.3), StageCost("expert b", 5, 5, 0.2)]
    cost = measured_cost(100, stages, RATES)
    assert cost.core_seconds == pytest.approx(0.51)
    assert cost.core_seconds_without == pytest.approx(7.4)
    assert measured_cost(0, [], RATES).times_cheaper == 1


def test_the_union_counts_a_text_once():
    assert passing_union(np.array([[True, True], [False, True], [False, False], [False, False]])) == 0.5
    assert passing_union(np.zeros((0, 2), bool)) == 0
