"""Lines of a run come seldom enough to be read, and name seeds as people count them."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

from tasks.seed_story import figure, seed_name
from tasks.story import Seldom


def test_ten_hours_of_work_have_a_few_hundred_lines_the_first_after_ten_seconds():
    now = [0.0]
    seldom, lines = Seldom(lambda: now[0]), []
    for second in range(10 * 3600):
        now[0] = float(second)
        if seldom.is_due():
            lines.append(second)
    assert lines[:3] == [10, 20, 30]
    assert 100 < len(lines) < 400
    assert max(later - earlier for earlier, later in pairwise(lines)) <= 0.021 * lines[-1]


@pytest.mark.parametrize(
    ("seeds", "seed", "name"),
    [([1, 2, 3], 2, "positive seed 2 of 3"), ([7, 42], 42, "positive seed 42 (2 of 2)")],
)
def test_a_seed_is_named_by_its_place(seeds, seed, name):
    assert seed_name(SimpleNamespace(study="positive", seed=seed), seeds) == name


@pytest.mark.parametrize(
    ("metric", "value", "said"),
    [("average_precision", 0.8718, "AP .872"), ("f1_macro", 1.0, "f1 macro 1.000"), ("loss", 12.5, "loss 12.500")],
)
def test_a_figure_is_said_as_the_field_does(metric, value, said):
    assert figure(metric, value) == said
