"""Publishing under Prefect's test harness, on a LocalCluster, to a real Redis: from run folders to readers."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client

from deployments.deploy import deploy_round
from flows.publishing import publishing
from tasks.core.base.errors import RoundFileError, RunFolderError
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.served_versions import list_versions
from tasks.core.round.round_file import read_round
from tasks.core.runs.open_run import open_run
from tasks.records.tracking import tracking_uri
from tests.support.published_rounds import (
    SAMPLE_ROWS,
    calibrate,
    make_champions,
    publishable_round,
    score,
)
from tests.support.round_files import write_round
from tests.support.scored_runs import ENGINE

pytestmark = pytest.mark.usefixtures("orchestration")
ROOT = Path(__file__).parents[2]


def versions_of(round_):
    """Return what Redis holds of the round's country."""
    with open_redis(round_.publishing.redis) as client:
        return list_versions(client, CountryKeys(round_.country))


def reader_of(client, round_):
    return RedisReader(client, round_.country)


def test_readers_see_a_version_when_its_models_are_champions(redis_server, tmp_path):
    path = publishable_round(tmp_path, redis_server)
    round_ = read_round(path)
    plan, run = score(round_)
    calibrate(round_, plan, 0.9, tmp_path)
    state = publishing(str(path), return_state=True)
    assert state.name == "Not shown"
    (version,) = versions_of(round_)
    assert (version.state, version.is_current, version.loaded_shards) == ("whole", False, len(plan.shards))
    assert version.meta["threshold:positive"] == "0.9"
    page = Artifact.get(f"{round_.name}-main-publication").data
    assert page.startswith("**Readers do not see it, they see none**: not every model has passed the release gate")
    receipts = redis_server.client.hgetall(f"w:{round_.country}:{version.name}:shards")
    make_champions(plan)
    assert publishing(round_file=str(path), run_name="main", return_state=True).name == "Shown"
    assert redis_server.client.hgetall(f"w:{round_.country}:{version.name}:shards") == receipts
    with open_redis(round_.publishing.redis) as client:
        answer = reader_of(client, round_).top("positive", 0.9, 1000)
        assert answer.version == version.name
        assert answer.models == {use.label: f"{use.registered_model} {use.version}" for use in plan.engines}
        assert len(answer.texts) == pytest.approx(SAMPLE_ROWS / 10, abs=6)
    assert Artifact.get(f"{round_.name}-main-publication").data.startswith(
        "**Readers see it**: each of its models is champion"
    )
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(round_.name).experiment_id
    (recorded,) = client.search_runs([experiment], f"tags.`winnow.published_version` = '{version.name}'")
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics["published/score.positive"] == SAMPLE_ROWS
    assert recorded.data.tags["seen"] == "true"
    assert recorded.data.tags["winnow.run_id"] == run.path.name.split("-")[2]


def test_a_challenger_that_the_gate_stops_leaves_readers_where_they_are(redis_server, tmp_path):
    path = publishable_round(tmp_path, redis_server)
    round_ = read_round(path)
    plan, _ = score(round_)
    make_champions(plan)
    publishing(str(path))
    (first,) = versions_of(round_)
    challenger, _ = score(round_, shift=100)
    assert challenger.run_id != plan.run_id
    assert publishing(str(path), return_state=True).name == "Not shown"
    names = {one.name: one.standing for one in versions_of(round_)}
    assert names[first.name] == "current"
    assert set(names.values()) == {"current", "whole"}
    with open_redis(round_.publishing.redis) as client:
        assert reader_of(client, round_).version == first.name
    make_champions(challenger)
    publishing(str(path))
    assert {one.standing for one in versions_of(round_)} == {"current", "previous"}


def test_a_loader_that_was_killed_is_followed_by_two_workers_that_load_the_rest(redis_server, tmp_path):
    path = publishable_round(tmp_path, redis_server, workers=2, only_released=False)
    round_ = read_round(path)
    plan, run = score(round_)
    command = [sys.executable, "-m", "tests.support.published_rounds", str(path), str(run.path), "3"]
    loader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert loader.stdout.readline() == b"loaded\n"
    loader.kill()
    assert loader.wait() == -9
    (half,) = versions_of(round_)
    assert half.standing == f"half: 3 of {len(plan.shards)} shards"
    key = f"w:{round_.country}:{half.name}:shards"
    before = redis_server.client.hgetall(key)
    assert publishing(str(path), return_state=True).name == "Shown"
    after = redis_server.client.hgetall(key)
    assert len(after) == len(plan.shards) > len(before) == 3
    (whole,) = versions_of(round_)
    assert (whole.name, whole.standing) == (half.name, "current")


def test_what_cannot_be_published_is_refused_before_redis_is_told(redis_server, tmp_path):
    path = publishable_round(tmp_path, redis_server, only_released=False)
    round_ = read_round(path)
    with pytest.raises(RunFolderError, match=r"no finished run 'main' of .*prefect deployment run inference/"):
        publishing(str(path))
    plan, run = score(round_)
    run.output_path("positive", 0).write_bytes(b"nothing")
    with pytest.raises(RunFolderError, match="does not verify"):
        publishing(str(path), run_folders=[str(run.path)])
    assert versions_of(round_) == []
    assert open_run(run.path)[0] == plan


def test_a_round_without_the_section_has_no_such_deployment(redis_server, tmp_path):
    with_section = publishable_round(tmp_path / "with", redis_server)
    names = deploy_round(with_section)
    assert f"publishing/{with_section.stem}" in names
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"publishing/{with_section.stem}")
    assert found.entrypoint == "flows.publishing.publishing"
    (tmp_path / "without").mkdir()
    without = write_round(tmp_path / "without", ENGINE, country="XW")
    assert not [name for name in deploy_round(without) if name.startswith("publishing/")]
    with pytest.raises(RoundFileError, match="has no section `publishing`"):
        publishing(str(without))
