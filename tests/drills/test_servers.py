"""A drill on the servers: Prefect's and MLflow's stopped and started again in the middle of a run."""

import pytest
from prefect.client.orchestration import get_client

from infra.services.process import running_process, start, stop, wait_healthy
from infra.services.stack import services
from tests.support.soundness import require_sound

pytestmark = pytest.mark.drill


@pytest.fixture
def servers(settings):
    """Both servers; whatever the drill does to them, they are up again after it."""
    both = services(settings)[:2]
    yield both
    for service in both:
        start(service)
        wait_healthy(service)


def newest_flow_run():
    """Return the state of the newest run of the inference flow, as Prefect has it."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=200)
    return max((run for run in runs if run.name.endswith(" inference")), key=lambda run: run.created).state


def test_a_run_survives_a_restart_of_both_servers(make_drill, servers, prefect_api):
    drill = make_drill("many")
    launch = drill.launch()
    launch.wait_until(lambda: drill.finished_shards() >= 20, "20 shards were finished")
    for service in servers:
        assert stop(service)
    before = drill.finished_shards()
    launch.wait_until(lambda: drill.finished_shards() >= before + 40, "40 shards were finished without the servers")
    assert not any(running_process(service) for service in servers)
    for service in servers:
        start(service)
    launch.require_finished()
    require_sound(drill.folder, drill.undisturbed)
    for service in servers:
        wait_healthy(service)
    assert newest_flow_run().is_completed()
