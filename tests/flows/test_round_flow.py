"""Flow runs of a round are found by name and by tag, sub-flows included; tasks have no tags."""

from inspect import getfile, signature

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.runtime import task_run
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.hashing import file_hash

from deployments.deploy import FLOWS
from flows.publishing import publishing
from flows.round_flow import below, round_flow, side_by_side, tagged
from tasks.core.base.naming.flow_run_names import TOLD_PARAMETERS
from tasks.core.round.round_file import read_round


@task
def tags_of_a_task() -> list[str]:
    return list(task_run.tags)


@side_by_side("work-side-by-side")
def sub_flow() -> list[str]:
    return tags_of_a_task.submit().result()


@round_flow("inference")
def lower(round_file: str, *, limit: int | None = None) -> list[str]:
    return below("shards", sub_flow, ThreadPoolTaskRunner(max_workers=1), read_round(round_file))()


@round_flow("round")
def upper(round_file: str) -> list[str]:
    with tagged(read_round(round_file), "inference"):
        return lower(round_file, limit=1000)


def test_each_flow_run_of_a_round_has_a_name_of_its_own_and_tags_to_filter_by(prefect_harness, make_round):
    path = make_round(country="XT")
    assert upper(str(path)) == [], "a task with tags would have its worker ask for a slot of each"
    with get_client(sync_client=True) as client:
        asked = FlowRunFilter(tags=FlowRunFilterTags(all_=["xt", path.stem, "inference"]))
        found = {run.name: set(run.tags) for run in client.read_flow_runs(flow_run_filter=asked)}
    called = f"{path.stem} inference main, 1,000 rows"
    assert found == {name: {"xt", path.stem, "inference"} for name in (called, f"{called}: shards")}


def test_a_flow_has_the_version_of_its_own_file():
    assert {flow.version for flow in FLOWS} == {file_hash(getfile(flow.fn.__wrapped__)) for flow in FLOWS}
    assert len({flow.version for flow in FLOWS}) == len(FLOWS)


def test_what_a_name_says_are_parameters_that_flows_have():
    defaults = {}
    for flow in (*FLOWS, publishing):
        defaults |= {name: parameter.default for name, parameter in signature(flow.fn).parameters.items()}
    assert {name: usual for name, (usual, _) in TOLD_PARAMETERS.items()}.items() <= defaults.items()
