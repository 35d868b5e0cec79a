"""What sub-flows and their tasks on Dask workers say stands in the log of the run that a person started."""

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.logging.handlers import APILogWorker
from prefect.runtime import flow_run

from tasks.story import LOGGERS, flow_run_above, say
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("prefect_harness")


@task
def work() -> None:
    say("a task says it")


@flow
def lowest() -> dict[str, str]:
    say("a sub-flow of a sub-flow says it")
    work.submit().result()
    return {"lowest": str(flow_run.id), "above": str(flow_run_above())}


@flow
def middle() -> dict[str, str]:
    return {"middle": str(flow_run.id), **lowest()}


@flow
def highest() -> dict[str, str]:
    say("the flow itself says it")
    return {"highest": str(flow_run.id), **middle()}


def said(flow_run_id: str) -> list[str]:
    with get_client(sync_client=True) as client:
        asked = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
        return [log.message for log in client.read_logs(asked) if log.name in LOGGERS]


def test_a_line_stands_once_in_each_run_from_its_own_up_to_the_first():
    runs = highest()
    APILogWorker.drain_all(timeout=60)
    below = ["a sub-flow of a sub-flow says it", "a task says it"]
    wait_for(lambda: len(said(runs["highest"])) >= 3, "the lines came")
    assert said(runs["highest"]) == ["the flow itself says it", *below]
    assert said(runs["middle"]) == below
    assert said(runs["lowest"]) == below
    assert runs["above"] == runs["middle"]
