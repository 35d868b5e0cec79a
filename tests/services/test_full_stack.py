"""The full stack as a person uses it: PostgreSQL, Redis, Prefect, MLflow and a worker, as real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from infra.errors import ServiceError
from infra.services import stack
from infra.services.databases import installed_versions
from infra.services.passwords import read_secrets
from tests.support.commands import BINARIES
from tests.support.stack_clients import rows
from tests.support.stack_processes import family

pytestmark = pytest.mark.services

FLOW = """
import mlflow
from mlflow import MlflowClient
from prefect import flow, task

@task
def score(text):
    return len(text)

@flow
def counted(words: int = 3):
    lengths = score.map(["word"] * words).result()
    with mlflow.start_run() as run:
        mlflow.log_metric("length", sum(lengths))
        mlflow.log_text("weights", "model/weights.txt")
    client = MlflowClient()
    client.create_registered_model("us.counted")
    client.create_model_version("us.counted", f"{run.info.artifact_uri}/model", run_id=run.info.run_id)

if __name__ == "__main__":
    from pathlib import Path
    source = counted.from_source(Path(__file__).parent, "counted.py:counted")
    source.deploy("full", work_pool_name="winnow", print_next_steps=False)
"""


def test_starting_it_again_changes_nothing(full_stack, typed):
    before = family(full_stack)
    code, said = typed("winnow", "up")
    assert code == 0, said
    assert full_stack.prefect_ui in said
    assert {process.pid for process in before} <= {process.pid for process in family(full_stack)}


def test_another_stack_is_refused_beside_it(full_stack, typed):
    code, said = typed("winnow", "up", "--stack", "embedded")
    assert code == 1
    assert "stack full, not embedded" in said
    assert "winnow down" in said
    assert stack.is_up(full_stack)


def test_a_deployed_flow_runs_through_the_worker_into_postgresql(full_stack, api):
    script = full_stack.home / "counted.py"
    script.write_text(FLOW)
    environment = {**os.environ, **full_stack.environment}
    for command in (
        [sys.executable, script],
        [BINARIES / "prefect", "deployment", "run", "counted/full", "--watch"],
    ):
        done = subprocess.run(
            command,
            env=environment,
            cwd=full_stack.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    query = "select r.state_type from flow_run r join flow f on f.id = r.flow_id where f.name = 'counted'"
    assert rows(full_stack, "prefect", query) == [("COMPLETED",)]
    assert rows(full_stack, "mlflow", "select key, value from metrics") == [("length", 12.0)]
    ((source,),) = rows(full_stack, "mlflow", "select source from model_versions")
    weights = Path(source.removeprefix("file://")) / "weights.txt"
    assert weights.is_relative_to(full_stack.home / "mlflow" / "artifacts")
    assert weights.read_text() == "weights"
    # Task runs reach the database as events, through Redis and the server's recorder.
    query = "select count(*) from task_run where state_type = 'COMPLETED'"
    api.wait_for(lambda: rows(full_stack, "prefect", query) == [(3,)], "three task runs were in PostgreSQL")
    assert not (full_stack.home / "prefect" / "prefect.db").exists()


def test_the_events_go_through_redis(full_stack):
    password = read_secrets(full_stack.home).redis
    with redis.Redis("127.0.0.1", full_stack.redis_port, password=password) as client:
        assert client.xlen("events") > 0


def test_migrating_is_refused_while_the_servers_run(full_stack, typed):
    code, said = typed("winnow", "migrate")
    assert code == 1
    assert "prefect-server" in said
    assert "winnow down" in said


@pytest.mark.drill
def test_down_leaves_nothing_and_old_schemas_are_refused_until_migrated(full_stack, typed):
    processes = family(full_stack)
    code, said = typed("winnow", "down")
    assert code == 0, said
    assert "postgresql" in said
    # What this process started stays a zombie until it is asked for.
    gone = [process for process in processes if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE]
    assert gone == processes
    versions = full_stack.home / "postgresql" / "migrated.json"
    assert json.loads(versions.read_text()) == installed_versions()
    versions.write_text(json.dumps(installed_versions() | {"prefect": "3.0.0"}))
    with pytest.raises(ServiceError, match=r"prefect 3\.0\.0.*winnow migrate"):
        stack.up(full_stack)
    assert not family(full_stack)
    done = stack.migrate(full_stack)
    assert done == ["PostgreSQL: prefect, mlflow"]
    assert not family(full_stack)
    assert json.loads(versions.read_text()) == installed_versions()
