"""`winnow run` against real servers: what a person reads while a run goes on, when it fails, and on Ctrl-C."""

import json
import os
import signal

import pytest

from tests.support.commands import BINARIES
from tests.support.deployed_round import Told
from tests.support.round_files import write_round
from tests.support.stack_clients import PrefectApi
from tests.support.terminal import INTERRUPT, Terminal

QUESTION = "Leave it running"


@pytest.fixture(scope="module")
def prefect(settings):
    """Prefect's API of the stack."""
    return PrefectApi(settings)


@pytest.fixture
def paused(prefect):
    """No flow run is taken meanwhile."""
    prefect.pause_pool(True)
    yield
    prefect.pause_pool(False)


@pytest.fixture
def at_terminal(settings, deployed_round, paused):
    """`winnow run training`, typed at a terminal, as it has started a flow run that nobody takes."""
    environment = {**os.environ, **settings.environment, "COLUMNS": "200", "TERM": "xterm"}
    terminal = Terminal([BINARIES / "winnow", "run", "training", str(deployed_round)], environment, settings.home)
    terminal.wait_for("is flow run")
    return terminal


def newest_run(run):
    """Return id and state of the flow run that was started last."""

    done = run("prefect", "flow-run", "ls", "--flow-name", "training", "--limit", "1", "--output", "json")
    (found,) = json.loads(done.stdout)
    return found["id"], found["state"]["type"]


def test_each_seed_says_its_epochs_in_order_and_then_come_the_results(trained, round_file):
    for label in ("positive", "negative"):
        for number in (1, 2):
            seed = f"{label} seed {number} of 2"
            said = [f"{seed}: begins", f"{seed}: epoch 1 of 1, validation AP ", f"{seed}: done, test AP "]
            places = [trained.place(text) for text in [*said, f"{label}: seed ", f"{label}: registered as iter0"]]
            assert places == sorted(places)
    assert trained.place("Seeds of us-iter0") < trained.place("training/us-iter0 has ended well")
    assert f"Next        winnow run conversion {round_file}" in trained.lines[-1]


def test_lines_come_while_the_run_is_at_work_and_stand_in_its_log(trained, run):
    assert len(trained.states) == 4
    assert set(trained.states) == {"RUNNING"}
    logged = run("prefect", "flow-run", "logs", trained.flow_run_id).stdout
    for seed in ("positive seed 1 of 2", "negative seed 2 of 2"):
        assert logged.count(f"{seed}: begins") == logged.count(f"{seed}: epoch 1 of 1, validation AP") == 1


def test_a_conversion_says_what_is_judged_and_what_serves(conversion, round_file):
    for label in ("positive", "negative"):
        said = [
            f"{label}: judging onnxruntime-fp32",
            f"{label}: onnxruntime-fp32 passes",
            f"{label}: onnxruntime-fp32 serves",
        ]
        places = [conversion.place(text) for text in said]
        assert places == sorted(places)
    assert f"Next        winnow run inference {round_file}" in conversion.lines[-1]


def test_what_fails_says_why_first_and_shows_one_traceback_if_asked(tmp_path, tiny_bert, run, settings):
    path = write_round(tmp_path, tiny_bert, country="XF")
    assert run("winnow", "deploy", str(path)).returncode == 0
    for option, tracebacks in (("--traceback", 1), (None, 0)):
        told = Told(settings, "run", "inference", str(path), *([option] if option else [])).to_the_end()
        assert told.returncode == 1
        after = told.lines[told.place("inference/xf-iter0 failed: ") :]
        assert "training/xf-iter0" in after[0] or "conversion/xf-iter0" in after[0]
        assert "\n".join(told.lines).count("Traceback (most recent call last)") == tracebacks


def test_a_parameter_that_the_flow_does_not_take_is_refused(deployed_round, run):
    done = run("winnow", "run", "training", str(deployed_round), "-p", "clutser=local")
    assert done.returncode == 1
    assert "Did you mean 'cluster'?" in done.stderr


def test_ctrl_c_asks_and_cancels(at_terminal, run):
    at_terminal.type(INTERRUPT)
    at_terminal.wait_for(QUESTION)
    at_terminal.type("c\r")
    assert at_terminal.ended() == 1
    assert "training/us-iter0 was cancelled" in at_terminal.shown
    assert newest_run(run)[1] == "CANCELLED"


def test_a_second_ctrl_c_leaves_the_run_alone(at_terminal, run, prefect):
    at_terminal.type(INTERRUPT)
    at_terminal.wait_for(QUESTION)
    at_terminal.type(INTERRUPT)
    assert at_terminal.ended() == 130
    id_, state = newest_run(run)
    assert state == "SCHEDULED"
    assert f"to cancel it: prefect flow-run cancel {id_}" in at_terminal.shown
    prefect.cancel(id_)


def test_without_a_terminal_an_interrupted_command_leaves_the_run_alone(settings, deployed_round, paused, prefect):
    told = Told(settings, "run", "training", str(deployed_round))
    told.up_to("is flow run")
    told.interrupt(signal.SIGINT)
    assert told.to_the_end().returncode == 130
    assert prefect.state(told.flow_run_id)["type"] == "SCHEDULED"
    assert f"to cancel it: prefect flow-run cancel {told.flow_run_id}" in "\n".join(told.lines)
    prefect.cancel(told.flow_run_id)
