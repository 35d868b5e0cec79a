"""A round on a real stack, as a person, an event or Prefect's UI meets it."""

import json
import os
import subprocess
import uuid
from http import HTTPStatus

import httpx

from infra.services import stack
from infra.services.process import running_process
from tasks.core.exchange.batch import list_batches
from tasks.core.loop.course import read_course
from tasks.core.round.round_file import read_round
from tests.support.answers import fill_in
from tests.support.commands import BINARIES
from tests.support.loop_rounds import LOOP
from tests.support.round_files import one_worker, write_round
from tests.support.waiting import LAST_RESORT_SECONDS, wait_for


class Loop:
    """A round, deployed on a stack that is up."""

    def __init__(self, folder, base_model, settings, redis=None, **changes):
        self.settings, self.folder, self.redis = settings, folder, redis
        if redis is not None:
            changes |= {"publishing": {"redis": redis.place.model_dump(mode="json")}}
        content = {"labels": {"positive": "positive"}, "clusters": one_worker()} | LOOP | changes
        self.first = write_round(folder, base_model, **content)
        self.deployed = set(self.done("winnow", "deploy", self.first).split())

    def typed(self, *words):
        """Type a command, and return how it ended."""
        return subprocess.run(
            [BINARIES / words[0], *map(str, words[1:])],
            env={**os.environ, **self.settings.environment, **self._served_by, "COLUMNS": "200"},
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

    def run(self, deployment, *words):
        """Run a deployment of the round."""
        return self.done("prefect", "deployment", "run", f"{deployment}/{self.first.stem}", *words)

    def answered(self, round_file, kind, word_of):
        """Export a round's batch of a kind, fill in its answers, and return the file."""
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
            found = read_course(read_round(round_file), "main") if round_file.is_file() else None
            return found if found is not None and found.ended.startswith(how) else None

        return self.wait_for(course, f"{round_file.stem} ended as {how}")

    def wait_for(self, condition, what):
        """Wait for something that the flow runs bring about, for as long as they can."""
        return wait_for(condition, what, self._is_up, self.flow_runs, self._told, pause_seconds=0.5)

    def flow_runs(self, name=""):
        """Return the flow runs that deployments began, or of these those whose names begin so: id, name and state."""
        found = self._post("/flow_runs/filter", {"sort": "START_TIME_ASC", "limit": 200}) or []
        runs = [run for run in found if run["deployment_id"] and run["name"].startswith(name)]
        return [{"id": run["id"], "name": run["name"], "state": run["state"]["name"]} for run in runs]

    def resume(self, flow_run_id, **answer):
        """Resume a suspended flow run with what a person fills in in the UI; return the server's verdict.

        A person, too, clicks again where SQLite was busy, or the form is not there yet.
        """

        def verdict():
            found = self._post(f"/flow_runs/{flow_run_id}/resume", {"run_input": answer})
            is_early = found is not None and found["details"].get("reason") == "Run input schema not found."
            return None if found is None or is_early else found["status"]

        return self.wait_for(verdict, "the run was resumed, or not")

    def served(self):
        """Return what readers see: the version, each label's model, and the text that `winnow top` has as its best."""
        country = read_round(self.first).country
        answer = json.loads(self.done("winnow", "top", "--country", country, "--label", "positive", "--json"))
        looked_up = json.loads(
            self.done("winnow", "lookup", "--country", country, "--id", answer["texts"][0]["id"], "--json")
        )
        assert looked_up["version"] == answer["version"]
        return answer["version"], answer["models"]["positive"]

    @property
    def _served_by(self):
        if self.redis is None:
            return {}
        url = f"redis://127.0.0.1:{self.redis.port}/{self.redis.place.database}"
        return {"WINNOW_PUBLISHING_REDIS": url, "WINNOW_PUBLISHING_PASSWORD": self.redis.password}

    def champion(self):
        """Return the champion's version and tags, or None where there is none."""
        name, password = (self.settings.environment[f"MLFLOW_TRACKING_{key}"] for key in ("USERNAME", "PASSWORD"))
        asked = {"name": read_round(self.first).registered_model("positive"), "alias": "champion"}
        path = f"{self.settings.mlflow_ui}/api/2.0/mlflow/registered-models/alias"
        found = httpx.get(path, params=asked, auth=(name, password), timeout=LAST_RESORT_SECONDS)
        if found.is_error:
            return None
        version = found.json()["model_version"]
        return version["version"], {tag["key"]: tag["value"] for tag in version["tags"]}

    def _post(self, path, content):
        words = self.settings.environment["PREFECT_API_AUTH_STRING"].split(":", 1)
        with httpx.Client(auth=httpx.BasicAuth(*words), timeout=LAST_RESORT_SECONDS) as http:
            found = http.post(f"{self.settings.prefect_ui}/api{path}", json=content)
        return None if found.status_code == HTTPStatus.SERVICE_UNAVAILABLE else found.raise_for_status().json()

    def _is_up(self):
        return all(running_process(service) for service in stack.services(self.settings))

    def _told(self):
        """Return the end of the worker's log."""
        return (self.settings.home / "services" / "prefect-worker.log").read_text()[-6_000:]
