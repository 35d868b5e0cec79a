from collections.abc import Callable

import pytest

from tasks.core.training.seeds.seed_plan import SeedPlan


@pytest.fixture
def plans(make_plan) -> Callable[..., list[SeedPlan]]:
    """Return a function that plans so many seeds of `positive`; keyword arguments change the training settings."""

    def make(count: int, **changes: object) -> list[SeedPlan]:
        seeds = tuple(range(1, count + 1))
        settings = {"bootstrap_resamples": 100, "epochs": 1} | changes
        return [make_plan(seed=seed, seeds=seeds, **settings) for seed in seeds]

    return make
