"""What the gate says of a mixture in the making."""

import numpy as np
import pytest

from tasks.core.conversion.build_orders import BuildOrder
from tasks.core.conversion.build_variant import _ranking_of
from tasks.core.conversion.builders.mixed_choice import Ranking
from tasks.core.round.conversion_section import STRICT

STEP = 0.003
PLACES = {"variant": "", "graph": "", "fp32": "", "checkpoint": "", "apart": ""}


@pytest.mark.parametrize(("away", "found"), [(0.03, Ranking.KEPT), (0.075, Ranking.NEAR_A_LIMIT), (0.3, Ranking.LOST)])
def test_a_text_that_comes_into_the_best_100_from_farther_away_is_worse(away, found):
    order = BuildOrder(**PLACES, calibration_texts=0, steps=0, seed=0, head="binary", edges={}, limits=vars(STRICT))
    order.edges["positive"] = (1, 0.5)
    margins = 3 - STEP * np.arange(3_000)
    moved = margins.copy()
    moved[99 + round(away / STEP)] = margins[98] - STEP / 2
    assert _ranking_of(order, "positive", *(np.stack([0 * of, of], axis=1) for of in (margins, moved))) == found
