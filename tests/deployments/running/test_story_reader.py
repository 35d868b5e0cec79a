"""Of all that is logged, a person is told the run's own words and the heads of warnings."""

import uuid
from datetime import UTC, datetime

import pytest
from prefect.client.schemas.objects import Log

from deployments.running.story_reader import StoryReader, told_line
from tasks.story import ABOVE

TRACE = "Traceback (most recent call last):\n  File ..."
RUN, BELOW = uuid.uuid4(), uuid.uuid4()


class Server:
    """Holds logs, and gives those that are asked for."""

    def __init__(self, *logs):
        self._logs = logs

    def read_logs(self, asked, limit, offset):
        runs, level = asked.flow_run_id.any_, asked.level.ge_
        wanted = [one for one in self._logs if one.flow_run_id in runs and one.level >= level]
        return wanted[offset : offset + limit]


def logged(run, name, level, message):
    return Log(id=uuid.uuid4(), name=name, level=level, message=message, timestamp=datetime.now(UTC), flow_run_id=run)


def reader_of(*logs):
    reader = StoryReader(Server(*logs), RUN)
    reader.below.append(BELOW)
    return reader


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


def test_a_warning_of_a_sub_flow_is_said_once():
    told = "positive: TF-IDF is ahead"
    reader = reader_of(logged(BELOW, "prefect.task_runs.story", 30, told), logged(RUN, ABOVE, 30, told))
    assert reader.lines() == [f"! {told}"]


def test_what_a_library_warns_of_in_a_sub_flow_is_said():
    assert reader_of(logged(BELOW, "prefect.task_runs", 30, "x is late")).lines() == ["! x is late"]
