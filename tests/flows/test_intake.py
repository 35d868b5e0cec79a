"""The intake under Prefect's test harness: from labels that arrived to one flow run of the next round."""

import uuid

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import State, StateType
from prefect.deployments import run_deployment

from deployments.deploy import deploy_round
from deployments.intake import intake
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.exchange.batch import list_batches, read_batch
from tasks.core.exchange.settle import settle
from tasks.core.round.round_file import read_round
from tasks.intake import broken_off, start_round
from tests.support.answers import import_rows, said_by
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


def delete(run):
    with get_client(sync_client=True) as client:
        client.request("DELETE", "/flow_runs/{id}", path_params={"id": run.id})


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


def test_labels_that_are_changed_back_run_their_round_again_and_write_no_other(path):
    first, second = (path.stem.replace("iter0", iteration) for iteration in ("iter1", "iter2"))
    yes, no = ["yes", "no", "yes"], ["no", "no", "yes"]
    for words, name, runs in [(yes, first, 1), (no, second, 1), (yes, first, 2)]:
        say(path, words)
        assert (take_in(path).name, len(begun(name))) == ("Started", runs)
    assert take_in(path).name == "Nothing new"
    assert sorted(file.stem for file in path.parent.glob(f"{path.stem.partition('-')[0]}-*.yaml")) == [
        path.stem,
        first,
        second,
    ]


def say(path, words):
    """Import what an annotator says of the batch's first texts now."""
    round_ = read_round(path)
    (folder,) = list_batches(round_)
    import_rows(settle(read_batch(folder), round_), round_, path.parent, said_by("ana", words), replace=True)


def end(run, type_):
    """Have a flow run end as if its process had."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, State(type=type_), force=True)
    return run


def known(name, key, **way):
    """Ask for a round's start, and return the id of the flow run that is known to have begun for the key."""
    run, is_new = start_round(name, key, **way)
    assert not is_new
    return run.id


def last_of(name):
    return max(begun(name), key=lambda run: run.created)


def test_a_round_whose_run_broke_off_is_started_again_and_none_that_is_under_way(path):
    after = path.stem.replace("iter0", "iter1")
    put(path, "a.csv", ["yes", "no", "yes"])
    take_in(path)
    (first,) = begun(after)
    end(first, StateType.CRASHED)
    assert [take_in(path).name for _ in range(2)] == ["Started", "Nothing new"]
    key = first.idempotency_key
    for broken in (StateType.CRASHED, StateType.FAILED, StateType.CANCELLED):
        before = end(last_of(after), broken)
        run, is_new = start_round(after, key)
        assert (is_new, run.id) == (True, last_of(after).id)
        assert run.id != before.id
        for alive in (StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING):
            end(run, alive)
            assert (start_round(after, key)[1], broken_off(after)) == (False, None)
    end(run, StateType.COMPLETED)
    assert (start_round(after, key)[1], broken_off(after)) == (False, None)
    assert len(begun(after)) == 5


def test_answers_that_came_back_to_what_they_were_run_a_round_again_that_judged_others_since(path):
    name = path.stem
    keys = [f"{name} of some answers", f"{name} of others"]
    for number in range(4):
        run, is_new = start_round(name, keys[number % 2], came_back=True)
        assert is_new
        for type_ in (StateType.RUNNING, StateType.COMPLETED):
            end(run, type_)
            assert known(name, keys[number % 2], came_back=True) == run.id
    assert len(begun(name)) == 4


def test_a_round_whose_run_is_gone_is_started_again_unless_another_one_is_at_it(path):
    name, key = path.stem, f"{path.stem} of some answers"
    first, _ = start_round(name, key)
    end(first, StateType.CRASHED)
    second, is_new = start_round(name, key)
    assert is_new
    delete(first)
    assert known(name, key) == second.id
    delete(second)
    third, is_new = start_round(name, key)
    assert is_new
    assert [run.id for run in begun(name)] == [third.id]


def test_a_round_that_labels_began_goes_on_though_nothing_says_any_more_that_it_waits(path):
    """A run that failed before the gate leaves no record of it, by which the round would be known to wait."""
    name = path.stem
    start_round(name, f"{name} of some answers")
    end(last_of(name), StateType.FAILED)
    state = take_in(path)
    assert (state.name, len(begun(name))) == ("Started", 2)
    assert "by a run that broke off" in state.message


def test_what_a_person_runs_since_is_not_run_beside_it_nor_again(path):
    name, key = path.stem, f"{path.stem} of some answers"
    end(start_round(name, key)[0], StateType.CRASHED)
    by_hand = run_deployment(f"round/{name}", timeout=0, flow_run_name=f"{name} round")
    for type_ in (StateType.RUNNING, StateType.COMPLETED):
        end(by_hand, type_)
        assert (start_round(name, key)[1], broken_off(name)) == (False, None)
    assert len(begun(name)) == 2


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
