"""A flow run whose process was killed ends as Crashed by itself, and a healthy one does not."""

import os
import subprocess
import sys

import pytest

from infra.services.zombies import NAME, SILENT_SECONDS, install_zombie_automation

pytestmark = pytest.mark.services
SHORT_SILENCE_SECONDS = 90
"""Prefect beats every 30 s at most; a busy machine may miss one beat, and the healthy run lives on."""

BEATING = """
import time
from prefect import flow
from prefect.runtime import flow_run

@flow
def beating():
    print(flow_run.id, flush=True)
    time.sleep(600)

beating()
"""


def test_up_installs_the_automation_once(full_stack, api):
    (found,) = api.automations()
    assert found["name"] == NAME
    assert found["trigger"]["within"] == SILENT_SECONDS
    assert not install_zombie_automation(full_stack)
    assert api.automations() == [found]


@pytest.mark.drill
def test_a_killed_flow_run_becomes_crashed_and_a_healthy_one_goes_on(full_stack, api):
    assert install_zombie_automation(full_stack, silent_seconds=SHORT_SILENCE_SECONDS)
    assert len(api.automations()) == 1
    environment = {**os.environ, **full_stack.environment, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    command = [sys.executable, "-c", BEATING]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        killed, healthy = (process.stdout.readline().strip() for process in started)
        api.wait_for(lambda: api.heartbeats(killed) and api.heartbeats(healthy), "both had sent a heartbeat")
        started[0].kill()
        api.wait_for(lambda: api.state(killed)["type"] == "CRASHED", f"{killed} was crashed")
        assert f"No heartbeat for {SHORT_SILENCE_SECONDS} s" in api.state(killed)["message"]
        # By now the healthy run has lived longer than the time of silence as well.
        assert api.heartbeats(healthy) >= 2
        assert api.state(healthy)["type"] == "RUNNING"
    finally:
        for process in started:
            process.kill()
            process.communicate()
        install_zombie_automation(full_stack)
