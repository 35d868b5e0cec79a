"""Hypothesis judges what it draws by no clock, and not by what other threads do meanwhile."""

import random
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TESTS = Path(__file__).parent
SUPPRESSED = re.compile(r"suppress_health_check=(.*)")


def test_no_clock_judges_an_example():
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


def judged_by_a_clock(source: str) -> list[str]:
    """Return the settings of a test that take the clock's judgement back in."""
    health = [found for found in SUPPRESSED.findall(source) if "too_slow" not in found and "list(" not in found]
    return health + re.findall(r"deadline=(?!None).*", source)


def test_settings_of_single_tests_bring_no_clock_back():
    sources = {path: path.read_text() for path in TESTS.rglob("*.py") if path != Path(__file__)}
    assert len(sources) > 100
    assert {path: found for path, source in sources.items() if (found := judged_by_a_clock(source))} == {}
    assert judged_by_a_clock("@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])")
    assert judged_by_a_clock("@settings(max_examples=9, deadline=timedelta(seconds=1))")


@settings(max_examples=10)
@given(st.builds(random.random))
def test_random_numbers_that_another_thread_draws_meanwhile_are_no_fault_of_an_example(drawn):
    assert 0 <= drawn < 1
