"""Ways of doing one thing, measured in turns, so that a machine's drift meets all of them alike."""

import time
from collections.abc import Callable, Mapping

import numpy as np

Way = Callable[[], float]
"""Does its work once and says at which rate: so much a second of this process's CPU time."""
Rates = dict[str, list[float]]
"""By way, a rate a round."""


def rate_of(work: Callable[[], object], amount: float) -> Way:
    """Return the way that does `work`, which comes to `amount` of what is counted."""

    def way() -> float:
        started = time.process_time()
        work()
        return amount / (time.process_time() - started)

    return way


def take_turns(ways: Mapping[str, Way], rounds: int) -> Rates:
    """Let every way run once a round, every other round in reverse; a first round warms up and does not count."""
    rates: Rates = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in list(ways.items())[:: -1 if number % 2 else 1]:
            rate = way()
            if number:
                rates[name].append(rate)
    return rates


def paired_ratio(one: list[float], other: list[float]) -> float:
    """Return the median over the rounds of one way's rate over another's."""
    return float(np.median(np.array(one) / np.array(other)))
