"""What a run cost with screening is the sum of what its stages took."""

import pytest

from tasks.core.screening.screening_cost import ScreeningCost, StageCost


def test_a_run_cost_what_its_stages_took():
    stages = StageCost("ngrams", 100, 7, 1.0), StageCost("a", 7, 7, 3_000.0), StageCost("b", 5, 5, 599.0)
    cost = ScreeningCost(stages, 36_000.0)
    assert cost.core_seconds == pytest.approx(3_600)
    assert cost.times_cheaper == pytest.approx(10)
    assert cost.sentence == "1 core-hours instead of 10: 10 times cheaper."
    assert ScreeningCost((), 0.0).times_cheaper == 1
