"""The section of sampling: the old parameters unasked, and what it refuses."""

import pytest
from pydantic import ValidationError

from tasks.core.base.naming.round_names import METHOD_SUFFIXES
from tasks.core.round.sampling_section import METHODS, Sampling


def test_unasked_it_draws_as_was_always_drawn():
    section = Sampling()
    assert (section.top, section.exploit_texts, section.adaptive_texts) == (10_000, 50, 100)
    assert (section.uncertain_texts, section.raw_threshold, section.random_texts) == (50, 0.5, 100)
    explore = section.explore
    assert (explore.motifs, explore.texts, explore.random_texts) == (5, 5, 1_000_000)
    assert (explore.least_lift, explore.least_texts, explore.skips) == (1, 10, None)


def test_every_method_of_a_round_has_a_way_to_draw():
    assert METHODS.keys() == METHOD_SUFFIXES.keys()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"strata": [10, 10]}, "strata must rise, each once"),
        ({"strata": []}, "at least 1 item"),
        ({"method": "random", "random_texts": 0}, "nothing would be drawn"),
        ({"method": "best"}, "'exploit_explore'"),
        ({"raw_threshold": 1.0}, "less than 1"),
        ({"explore": {"words": 256}}, "less than or equal to 255"),
    ],
)
def test_what_cannot_be_drawn_is_refused(section, message):
    with pytest.raises(ValidationError, match=message):
        Sampling(**section)
