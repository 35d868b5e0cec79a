from collections.abc import Callable
from dataclasses import replace

import pytest

from tasks.core.training.seeds.seed_plan import SeedPlan, plan_seeds
from tests.support.studies import prepare_study


@pytest.fixture
def make_plan(tiny_round) -> Callable[..., SeedPlan]:
    """Return a function that plans the first seed of `positive`; keyword arguments change the training settings."""

    def make(root: str | None = None, seed: int = 1, **changes: object) -> SeedPlan:
        training = type(tiny_round.training).model_validate(tiny_round.training.model_dump() | changes)
        round_ = tiny_round.model_copy(update={"training": training})
        plan = plan_seeds(round_, prepare_study(round_), round_.base_model)[0]
        return replace(plan, root=root or plan.root, seed=seed)

    return make
