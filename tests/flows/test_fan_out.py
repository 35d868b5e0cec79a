import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterName

from infra.cluster import Place, task_runner
from infra.clusters.profiles import read_profile
from infra.errors import ClusterError
from tasks.core.base.errors import InputDataError, MachineError
from tests.flows.unreliable import double_all, fail_all
from tests.support.shared_worker import shared_worker

pytestmark = pytest.mark.usefixtures("prefect_harness")


@pytest.fixture
def runner(tmp_path):
    return task_runner(read_profile(shared_worker()), Place("test", tmp_path))


def test_every_result_comes_back(runner):
    assert double_all.with_options(task_runner=runner)([1, 2, 3]) == {1: 2, 2: 4, 3: 6}


def test_a_task_that_always_kills_its_worker_ends_in_an_error_and_a_true_state(runner):
    with pytest.raises(ClusterError, match=r"'2' was lost with its Dask worker in each of 1 attempts"):
        double_all.with_options(task_runner=runner)([2], deadly=2, heard_of=True)
    with get_client(sync_client=True) as client:
        named = TaskRunFilter(name=TaskRunFilterName(like_="die_or_double"))
        states = [run.state.type.value for run in client.read_task_runs(task_run_filter=named)]
    assert "CRASHED" in states
    assert not {"RUNNING", "PENDING"} & set(states)


def test_a_task_lost_before_prefect_heard_of_it_is_lost_all_the_same(runner):
    with pytest.raises(ClusterError, match=r"was lost with its Dask worker"):
        double_all.with_options(task_runner=runner)([2], deadly=2)


def test_an_error_that_a_person_must_act_on_is_raised_as_it_is_and_not_tried_again(runner, tmp_path):
    with pytest.raises(InputDataError, match="no column 'text'"):
        fail_all.with_options(task_runner=runner)(str(tmp_path), "input")
    assert (tmp_path / "input").read_text() == "try\n"


def test_work_that_needs_another_machine_is_given_out_again_and_its_error_stays_its_own(runner, tmp_path):
    with pytest.raises(MachineError, match="this CPU gives other logits"):
        fail_all.with_options(task_runner=runner)(str(tmp_path), "machine")
    assert (tmp_path / "machine").read_text() == "try\n" * 3


def test_a_passing_fault_is_tried_again(runner, tmp_path):
    assert fail_all.with_options(task_runner=runner)(str(tmp_path), "passing") == {"passing": "done"}
    assert (tmp_path / "passing").read_text() == "try\n" * 3
