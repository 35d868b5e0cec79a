"""The loop without hands, against real servers: labels are imported, an event is seen, rounds run, the gate decides."""

import shutil
import tempfile
from pathlib import Path

import pytest

from infra.services import stack
from infra.services.settings import ServiceSettings
from tasks.core.round.round_file import read_round
from tests.support.loop_rounds import true_down_to
from tests.support.loop_stack import Loop
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def own_settings():
    """Settings of a stack of this module's own, which is up: a test stops it and starts it again."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-"))
    settings = ServiceSettings(folder / "home", free_port(), free_port())
    with stack.running(settings):
        yield settings
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """A Redis server that scores are published to."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def loop(tmp_path_factory, tiny_bert, own_settings, redis):
    """A round with the sections `retraining` and `publishing`, run once: it waits for labels."""
    loop = Loop(tmp_path_factory.mktemp("loop"), tiny_bert, own_settings, redis, retraining={})
    assert {"round/us-iter0", "intake/us-iter0", "publishing/us-iter0"} <= loop.deployed
    loop.run("round", "--watch")
    loop.ended(loop.first, "Waits for labels")
    return loop


@pytest.fixture(scope="module")
def completed(loop):
    """The round went on by itself when its rank sample was labelled, and drew its batch."""
    said = loop.imported(loop.first, loop.answered(loop.first, "evaluation", true_down_to(60)))
    assert "Prefect was told: intake/us-iter0" in said
    return loop.ended(loop.first, "Completed")


@pytest.fixture(scope="module")
def second(loop, completed):
    """The file of the round that the batch's labels began; Prefect was told of them three times."""
    file = loop.answered(loop.first, "sampling", true_down_to(150))
    for _ in range(3):
        assert "Prefect was told" in loop.imported(loop.first, file)
    path = loop.first.with_name("us-iter1.yaml")
    loop.ended(path, "Completed")
    return path


@pytest.mark.drill
def test_labels_of_the_rank_sample_make_the_first_champion_without_hands(loop, completed):
    assert [step.state for step in completed.steps] == ["done"] * 6
    assert [step.skipped for step in completed.steps] == [True, True, True, False, False, False]
    assert completed.steps[3].made["champion of positive"].startswith("version ")
    assert loop.served() == (completed.steps[5].made["version"], f"us.positive {loop.champion()[0]}")


@pytest.mark.drill
def test_labels_of_the_batch_train_a_challenger_that_the_gate_makes_champion(loop, completed, second):
    course = loop.ended(second, "Completed")
    assert [step.skipped for step in course.steps] == [False] * 6
    assert "positive: promoted" in course.steps[3].said
    assert f"version {loop.champion()[0]}" == course.steps[3].made["champion of positive"]
    assert course.steps[3].made != completed.steps[3].made
    assert loop.served() == (course.steps[5].made["version"], f"us.positive {loop.champion()[0]}")
    assert course.steps[5].made != completed.steps[5].made


@pytest.mark.drill
def test_labels_that_are_told_of_three_times_begin_one_round(loop, second):
    def ends():
        return sorted(run["state"] for run in loop.flow_runs("us-iter0 intake"))

    wanted = ["Nothing new", "Nothing new", "Started", "Started"]
    loop.wait_for(lambda: ends() == wanted, "all that was told of was taken in")
    assert len(loop.flow_runs("us-iter1 round")) == 1
    (snapshot,) = read_round(second).labelled_data.added
    assert snapshot.name.startswith("v0001-")


@pytest.mark.drill
def test_a_rollback_outlives_another_run_of_the_round(loop, completed, second):
    before, after = completed.steps[5].made["version"], loop.served()[0]
    loop.done("winnow", "publish", "rollback", "--country", "US")
    loop.done("prefect", "deployment", "run", "round/us-iter1", "--watch")
    course = loop.ended(second, "Stopped at the gate")
    assert loop.served()[0] == before
    assert course.steps[5].said.startswith(f"readers see {before}; to show them {after}: prefect deployment run")
    loop.done("prefect", "deployment", "run", "publishing/us-iter1", "--watch")
    loop.done("prefect", "deployment", "run", "round/us-iter1", "--watch")
    loop.ended(second, "Completed")
    assert loop.served()[0] == after


@pytest.fixture(scope="module")
def third(loop, second):
    """The file of the round that labels began which came while Prefect was away: by now people say no to all."""
    no = true_down_to(0)
    loop.imported(loop.first, loop.answered(loop.first, "evaluation", no), "--replace")
    file = loop.answered(loop.first, "sampling", no)
    stack.down(loop.settings)
    said = loop.imported(loop.first, file, "--replace")
    assert "The labels are imported, but Prefect was not told: " in said
    assert "prefect deployment run intake/us-iter0" in said
    path = loop.first.with_name("us-iter2.yaml")
    assert not path.exists()
    stack.up(loop.settings)
    for _ in range(2):
        loop.run("intake", "--watch")
    return path


@pytest.mark.drill
def test_labels_that_came_while_prefect_was_away_begin_one_round_once_it_is_back(loop, third):
    (snapshot,) = read_round(third).labelled_data.added
    assert snapshot.name.startswith("v0002-")
    assert len(loop.flow_runs("us-iter2 round")) == 1


@pytest.mark.drill
def test_a_bad_challenger_is_stopped_at_the_gate_and_the_champion_stays(loop, third):
    champion, served = loop.champion()[0], loop.served()
    course = loop.ended(third, ("Waits for labels", "Stopped at the gate"))
    if course.steps[-1].state == "waits":
        loop.imported(third, loop.answered(third, "evaluation", true_down_to(0)))
        course = loop.ended(third, "Stopped at the gate")
    assert course.steps[-1].state == "refused"
    assert "the champion stays" in course.steps[-1].said
    assert (loop.champion()[0], loop.served()) == (champion, served)
    assert {"Completed", "Stopped at the gate", "Waits for labels"} >= {
        run["state"] for run in loop.flow_runs("us-iter2 round")
    }


@pytest.mark.drill
def test_what_a_person_must_approve_is_suspended_and_resumed_with_a_reason(tmp_path, tiny_bert, own_settings):
    loop = Loop(tmp_path, tiny_bert, own_settings, country="XA", approve=True)
    loop.run("round", "--watch")
    loop.imported(loop.first, loop.answered(loop.first, "evaluation", true_down_to(60)))

    def suspended(count):
        loop.run("round")

        def last():
            runs = loop.flow_runs("xa-iter0 round")
            return len(runs) == count and runs[-1]["state"] == "Suspended" and runs[-1]["id"]

        return loop.wait_for(last, "the round was suspended")

    asked = suspended(2)
    assert loop.ended(loop.first, "Waits for approval").steps[-1].state == "asks"
    assert loop.champion() is None
    assert loop.resume(asked, approve=True, reason="short") == "REJECT"
    assert loop.resume(asked, approve=False, reason="its best texts are advertisements") == "ACCEPT"
    course = loop.ended(loop.first, "Stopped at the gate")
    assert "not approved: its best texts are advertisements" in course.steps[-1].said
    assert loop.champion() is None
    assert loop.resume(suspended(3), approve=True, reason="I have read its best texts") == "ACCEPT"
    course = loop.ended(loop.first, "Completed")
    assert [step.skipped for step in course.steps] == [True, True, True, False, False]
    _, tags = loop.champion()
    assert "Approved: I have read its best texts" in tags["release"]
    assert [run["state"] for run in loop.flow_runs("xa-iter0 round")][1:] == ["Stopped at the gate", "Completed"]
