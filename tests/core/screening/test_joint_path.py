"""One path through the stages: the loosest setting at which a text passes all of them."""

import math

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.screening.joint_path import JointPath, StageCosts, choose_path, reaching
from tests.support.simulated import COSTS, population

SCORES = np.array([[1.0, 5.0], [4.0, 2.0], [3.0, 3.0], [-1.0, -1.0]])


def test_a_text_passes_all_stages_just_where_its_setting_is_reached():
    path = JointPath((1.5, 0.0))
    settings = path.settings(SCORES)
    assert settings.tolist() == [2.5, 2.0, 3.0, -1.0]
    for setting in (-2, 2.0, 2.4, 2.5, 3.0, 9):
        assert (path.passing(SCORES, setting).all(axis=1) == (settings >= setting)).all()


def test_a_stage_that_lets_every_text_pass_decides_nothing():
    path = JointPath((None, 0.0))
    assert path.settings(SCORES).tolist() == SCORES[:, 1].tolist()
    assert path.passing(SCORES, 3.0).tolist() == [[True, True], [True, False], [True, True], [True, False]]
    assert path.passing(SCORES[:, :1], 9.0).all()
    assert reaching(path, SCORES, 3.0) == [1.0, 1.0, 0.5]


def test_a_score_that_is_no_number_passes_its_stage():
    path = JointPath((0.0, 0.0))
    unknown = np.array([[np.nan, 1.0], [np.nan, np.nan], [-np.inf, 1.0]])
    assert path.settings(unknown).tolist() == [1.0, math.inf, -math.inf]
    assert reaching(path, unknown, 0.5) == pytest.approx([1, 2 / 3, 2 / 3])


def choose(pool, costs, lost=0.005):
    top = pool.expert >= np.quantile(pool.expert, 0.98)
    path = choose_path(pool.stages, top, lost, costs)
    setting = float(np.quantile(path.settings(pool.stages[top]), lost))
    return path, costs.of(reaching(path, pool.stages, setting))


def test_the_path_costs_less_than_either_stage_alone():
    pool = population(0, texts=20_000)
    path, cost = choose(pool, COSTS)
    assert path.offsets[0] is not None
    for stage in (0, 1):
        assert cost < choose(pool.only(stage), StageCosts((COSTS.stages[stage],), COSTS.expert))[1]


def test_a_blind_first_stage_is_left_out():
    path, _ = choose(population(0, texts=20_000, unseen=1.0), COSTS)
    assert path.offsets[0] is None or reaching(path, population(0, 20_000, unseen=1.0).stages, 1.0)[1] > 0.97


def test_a_dear_student_is_reached_by_fewer_texts():
    pool = population(0, texts=20_000)

    def students(cost):
        costs = StageCosts((6e-5, cost), 37e-3)
        top = pool.expert >= np.quantile(pool.expert, 0.98)
        path = choose_path(pool.stages, top, 0.005, costs)
        return reaching(path, pool.stages, float(np.quantile(path.settings(pool.stages[top]), 0.005)))[1]

    assert students(20e-3) < students(1e-4)


def test_one_stage_has_one_path_and_no_top_decides_nothing():
    costs = StageCosts((6e-5,), 37e-3)
    assert choose_path(SCORES[:, :1], SCORES[:, 0] > 2, 0.0, costs) == JointPath((0.0,))
    assert choose_path(SCORES, np.zeros(4, bool), 0.0, COSTS) == JointPath((0.0, 0.0))


def test_stages_without_a_known_cost_are_refused():
    with pytest.raises(InputDataError, match="scores of 2 stages, and costs of 1 are known"):
        choose_path(SCORES, SCORES[:, 0] > 2, 0.0, StageCosts((1.0,), 1.0))
