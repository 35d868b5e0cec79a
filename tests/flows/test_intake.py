"""The intake under Prefect's test harness: from labels that arrived to one flow run of the next round."""

import uuid

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

from deployments.deploy import deploy_round
from deployments.intake import intake
from tasks.core.base.naming import batches_folder
from tasks.core.round.round_file import read_round
from tests.support.batches import ids, write
from tests.support.labelled_files import delimited

pytestmark = pytest.mark.usefixtures("orchestration")
HEADER = ("tweet_id", "label", "annotator", "answer", "batch")


@pytest.fixture
def path(make_round, tmp_path):
    """A deployed round that watches a folder; it has a batch of six texts, and nothing of it is trained."""
    (tmp_path / "inbox").mkdir()
    retraining = {"watched_folder": "inbox", "cron": "0 3 * * *", "timezone": "America/New_York"}
    path = make_round(country=f"X{uuid.uuid4().hex[:8]}", retraining=retraining)
    round_ = read_round(path)
    folder = batches_folder(round_.work_path, round_.country, round_.name)
    write(folder, 6, country=round_.country, round_name=round_.name)
    deploy_round(path)
    return path


def take_in(path):
    return intake(str(path), return_state=True)


def begun(name):
    """Return the flow runs of a round's deployment."""
    with get_client(sync_client=True) as client:
        wanted = DeploymentFilter(name=DeploymentFilterName(any_=[name]))
        return [run for run in client.read_flow_runs(deployment_filter=wanted) if run.name.endswith(" round")]


def put(path, name, words, batch="sampling-0123456789ab"):
    rows = [(id_, "positive", "ana", word, batch) for id_, word in zip(ids(6), words, strict=False)]
    return delimited(path.parent / "inbox" / name, HEADER, rows, ",")


def test_a_file_in_the_watched_folder_begins_the_next_round_once(path):
    after = path.with_name(path.name.replace("iter0", "iter1"))
    state = take_in(path)
    assert (state.name, after.exists()) == ("Nothing new", False)
    put(path, "a.csv", ["yes", "no", "yes"])
    state = take_in(path)
    assert state.name == "Started"
    assert after.stem in state.message
    assert len(read_round(after).labelled_data.added) == 1
    for _ in range(2):
        assert take_in(path).name == "Nothing new"
    assert len(begun(after.stem)) == 1
    put(path, "b.csv", ["yes", "no", "yes", "no"])
    assert take_in(path).name == "Started"
    assert len(begun(after.stem.replace("iter1", "iter2"))) == 1


def test_a_file_that_cannot_be_imported_fails_the_intake_after_all_else_is_done(path):
    put(path, "a.csv", ["yes"], batch="")
    put(path, "b.csv", ["yes", "no"])
    state = take_in(path)
    assert state.is_failed()
    assert "1 files of the watched folder were not imported" in state.message
    assert len(begun(path.stem.replace("iter0", "iter1"))) == 1


def test_the_deployment_has_a_schedule_and_a_trigger_that_gives_it_no_parameters(path):
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(f"intake/{path.stem}")
        (schedule,) = deployment.schedules
        assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 3 * * *", "America/New_York")
        assert deployment.parameters == {"round_file": str(path)}
        found = client.request("POST", "/automations/filter", json={}).json()
    (automation,) = [one for one in found if one["name"] == f"labels of {path.stem} were imported"]
    assert automation["trigger"]["expect"] == ["winnow.labels.imported"]
    assert automation["trigger"]["match"] == {"prefect.resource.id": f"winnow.round.{path.stem}"}
    (action,) = automation["actions"]
    assert not action["parameters"]
    deploy_round(path)
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/automations/filter", json={}).json()
    assert len([one for one in found if one["name"] == automation["name"]]) == 1
