"""The loop without hands, against real servers: labels are imported, an event is seen, rounds run, the gate decides."""

import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import httpx
import pytest

from infra.services import stack
from infra.services.process import running_process
from infra.services.settings import ServiceSettings
from tasks.core.exchange.batch import list_batches
from tasks.core.loop.course import read_course
from tasks.core.round.round_file import read_round
from tests.support.answers import fill_in
from tests.support.commands import BINARIES
from tests.support.loop_rounds import LOOP, true_down_to
from tests.support.ports import free_port
from tests.support.round_files import one_worker, write_round
from tests.support.waiting import LAST_RESORT_SECONDS, wait_for


class Loop:
    """A round that goes on by itself, and the stack that it runs on."""

    def __init__(self, folder, base_model, settings):
        self.settings, self.folder = settings, folder
        changes = {"labels": {"positive": "positive"}, "clusters": one_worker(folder), "retraining": {}} | LOOP
        self.first = write_round(folder, base_model, **changes)

    def typed(self, *words):
        """Type a command, and return how it ended."""
        return subprocess.run(
            [BINARIES / words[0], *map(str, words[1:])],
            env={**os.environ, **self.settings.environment, "COLUMNS": "200"},
            cwd=self.settings.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words):
        """Type a command that must go well, and return what it said."""
        found = self.typed(*words)
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    def answered(self, round_file, kind, word_of):
        """Export a round's newest batch of a kind, fill in its answers, and return the file."""
        (batch,) = [path.name for path in list_batches(read_round(round_file)) if path.name.startswith(kind)]
        file = self.folder / f"{uuid.uuid4().hex}.csv"
        self.done("winnow", "labels", "export", round_file, file, "--batch", batch)
        return fill_in(file, word_of)

    def imported(self, round_file, file, *words):
        """Import answers, and return what was said."""
        return self.done("winnow", "labels", "import", round_file, file, "--annotator", "ana", *words)

    def ended(self, round_file, how):
        """Wait until a round's last run ended so, and return what is known of it."""

        def course():
            if not round_file.is_file():
                return None
            found = read_course(read_round(round_file), "main")
            return found if found.ended.startswith(how) else None

        return wait_for(course, f"{round_file.stem} ended as {how}", self.is_at_work, self.flow_runs, self.told)

    def is_at_work(self):
        return all(running_process(service) for service in stack.services(self.settings))

    def told(self):
        """Return the worker's log."""
        return (self.settings.home / "services" / "prefect-worker.log").read_text()[-6_000:]

    def flow_runs(self, name=None, flow="round"):
        """Return the states of all flow runs that deployments began, by the name of the run, or those of one."""
        words = self.settings.environment["PREFECT_API_AUTH_STRING"].split(":", 1)
        asked = {"sort": "START_TIME_ASC", "limit": 200}
        with httpx.Client(auth=httpx.BasicAuth(*words), timeout=LAST_RESORT_SECONDS) as http:
            found = http.post(f"{self.settings.prefect_ui}/api/flow_runs/filter", json=asked).raise_for_status().json()
        runs = [run for run in found if run["deployment_id"] and not run["parent_task_run_id"]]
        states = [(run["parameters"]["round_file"], run["state"]["name"], run["id"], run["name"]) for run in runs]
        return states if name is None else [one for one in states if one[3].startswith(f"{name} {flow}")]

    def champion(self):
        """Return the champion's version."""
        name, password = (self.settings.environment[f"MLFLOW_TRACKING_{key}"] for key in ("USERNAME", "PASSWORD"))
        asked = {"name": "us.positive", "alias": "champion"}
        path = f"{self.settings.mlflow_ui}/api/2.0/mlflow/registered-models/alias"
        found = httpx.get(path, params=asked, auth=(name, password)).raise_for_status().json()
        return found["model_version"]["version"]


@pytest.fixture(scope="module")
def loop(tmp_path_factory, tiny_bert):
    """A round with the section `retraining`, deployed and run once: it waits for labels."""
    home = Path(tempfile.mkdtemp(prefix="winnow-"))
    settings = ServiceSettings(home / "home", free_port(), free_port())
    with stack.running(settings):
        loop = Loop(tmp_path_factory.mktemp("loop"), tiny_bert, settings)
        said = loop.done("winnow", "deploy", loop.first)
        assert {"round/us-iter0", "intake/us-iter0"} <= set(said.split())
        loop.done("prefect", "deployment", "run", "round/us-iter0", "--watch")
        yield loop
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def completed(loop):
    """The round went on by itself when its rank sample was labelled, and drew its batch."""
    assert loop.ended(loop.first, "Waits for labels")
    said = loop.imported(loop.first, loop.answered(loop.first, "evaluation", true_down_to(60)))
    assert "Prefect was told: intake/us-iter0" in said
    return loop.ended(loop.first, "Completed")


@pytest.fixture(scope="module")
def after(loop, completed):
    """The file of the round that the batch's labels began; they were told of three times."""
    file = loop.answered(loop.first, "sampling", true_down_to(60))
    for _ in range(3):
        assert "Prefect was told" in loop.imported(loop.first, file)
    second = loop.first.with_name("us-iter1.yaml")
    loop.ended(second, "")
    return second


def test_labels_of_the_rank_sample_make_the_first_champion_without_hands(loop, completed):
    assert [step.state for step in completed.steps] == ["done"] * 5
    assert [step.skipped for step in completed.steps] == [True, True, True, False, False]
    assert loop.champion()


def test_labels_that_are_told_of_three_times_begin_one_round(loop, after):
    def intakes():
        return [state for _, state, _, _ in loop.flow_runs("us-iter0", "intake")]

    wait_for(
        lambda: len(intakes()) >= 4 and set(intakes()) <= {"Started", "Nothing new"},
        "all that was told of was taken in",
        loop.is_at_work,
        loop.flow_runs,
    )
    assert sorted(intakes()) == ["Nothing new", "Nothing new", "Started", "Started"]
    assert len(loop.flow_runs("us-iter1")) == 1
    (snapshot,) = read_round(after).labelled_data.added
    assert snapshot.name.startswith("v0001-")


def test_a_bad_challenger_is_stopped_at_the_gate_and_the_champion_stays(loop, after):
    champion = loop.champion()
    loop.ended(after, "Waits for labels")
    no = true_down_to(0)
    loop.imported(loop.first, loop.answered(loop.first, "evaluation", no), "--replace")
    loop.imported(after, loop.answered(after, "evaluation", no))
    course = loop.ended(after, "Stopped at the gate")
    assert course.steps[-1].state == "refused"
    assert "the champion stays" in course.steps[-1].said
    assert loop.champion() == champion
    assert all(
        state == "Completed" or "abels" in state or "gate" in state for _, state, _, _ in loop.flow_runs("us-iter1")
    )


def test_labels_that_came_while_prefect_was_away_begin_their_round_once_it_is_back(loop, after):
    loop.ended(after, "Stopped at the gate")
    file = loop.answered(loop.first, "sampling", true_down_to(10))
    stack.down(loop.settings)
    said = loop.imported(loop.first, file, "--replace")
    assert "The labels are imported, but Prefect was not told: " in said
    assert "prefect deployment run intake/us-iter0" in said
    third = loop.first.with_name("us-iter2.yaml")
    assert not third.exists()
    stack.up(loop.settings)
    for _ in range(2):
        loop.done("prefect", "deployment", "run", "intake/us-iter0", "--watch")
    (snapshot,) = read_round(third).labelled_data.added
    assert snapshot.name.startswith("v0002-")
    assert len(loop.flow_runs("us-iter2")) == 1
