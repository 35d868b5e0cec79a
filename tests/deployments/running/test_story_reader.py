"""Of all that is logged, a person is told the run's own words and the heads of warnings."""

import pytest

from deployments.running.story_reader import told_line
from tasks.story import ABOVE

TRACE = "Traceback (most recent call last):\n  File ..."


@pytest.mark.parametrize(
    ("logger", "level", "message", "told"),
    [
        (ABOVE, 20, "positive seed 1 of 2: begins", "positive seed 1 of 2: begins"),
        ("prefect.task_runs.story", 30, "gate weakened", "! gate weakened"),
        ("prefect.flow_runs", 20, "Created task run", None),
        ("prefect.flow_runs", 30, "attempt 1 of 3: x needs another worker", "! attempt 1 of 3: x needs another worker"),
        ("prefect.flow_runs", 40, f"x failed: the disk is full\n{TRACE}", "! x failed: the disk is full"),
        ("prefect.flow_runs", 40, f"Encountered exception during execution: KeyError\n{TRACE}", None),
        ("prefect.flow_runs", 40, "Finished in state Failed('why')", None),
        ("prefect.task_runs", 40, f"Task run failed with exception: KeyError - Retries are exhausted\n{TRACE}", None),
    ],
)
def test_a_line_is_told_or_not(logger, level, message, told):
    assert told_line(logger, level, message) == told
