"""On default settings, on loopback: another user of the machine and a page of another site get nothing."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from infra.services.stack import services
from tests.support import stranger
from tests.support.commands import BINARIES, assert_taught
from tests.support.waiting import LAST_RESORT_SECONDS

ask = partial(httpx.request, timeout=LAST_RESORT_SECONDS)
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
PREFECT_CALLS = (
    ("GET", "/admin/version", None),
    ("GET", "/admin/settings", None),
    ("POST", "/flows/", {"name": "of-a-stranger"}),
    ("POST", "/flows/filter", {}),
    ("POST", "/flow_runs/filter", {}),
    ("POST", "/deployments/filter", {}),
    ("POST", "/work_pools/filter", {}),
    ("POST", "/work_pools/", {"name": "of-a-stranger", "type": "process"}),
    ("POST", "/artifacts/filter", {}),
    ("POST", "/logs/filter", {}),
    ("POST", "/variables/", {"name": "x", "value": "y"}),
)
MLFLOW_CALLS = (
    ("GET", "/", None),
    ("GET", "/api/2.0/mlflow/experiments/search?max_results=5", None),
    ("POST", "/api/2.0/mlflow/experiments/create", {"name": "of-a-stranger"}),
    ("POST", "/api/2.0/mlflow/registered-models/create", {"name": "of-a-stranger"}),
    ("GET", "/api/2.0/mlflow/registered-models/search", None),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts", None),
    ("PUT", "/api/2.0/mlflow-artifacts/artifacts/x", {}),
    ("POST", "/graphql", {"query": "{__typename}"}),
    ("POST", "/ajax-api/2.0/mlflow/runs/search", {}),
)


def calls(settings):
    yield from ((method, f"{settings.prefect_ui}/api{path}", body) for method, path, body in PREFECT_CALLS)
    yield from ((method, settings.mlflow_ui + path, body) for method, path, body in MLFLOW_CALLS)


@pytest.fixture
def as_another_user(tmp_path):
    """Return a function that tries requests and files as a user who owns nothing here."""
    program = Path(stranger.__file__).read_text()
    python = [*AS_NOBODY, str(Path(sys.base_prefix, "bin", "python3")), "-I", "-c"]
    probe = subprocess.run([*python, ""], capture_output=True, text=True, check=False, cwd="/")
    if probe.returncode:
        pytest.skip(f"only root may become another user, to see what he gets: {probe.stderr.strip()}")

    def run(requests, files):
        asked = json.dumps({"requests": list(requests), "files": [str(file) for file in files]})
        done = subprocess.run([*python, program], input=asked, capture_output=True, text=True, check=True, cwd="/")
        return json.loads(done.stdout)

    return run


def test_another_user_calls_neither_prefect_nor_mlflow(settings, as_another_user):
    assert as_another_user(calls(settings), []) == {"user": 65534, "requests": [], "files": []}


def test_the_owner_does_with_the_password_what_the_stranger_may_not(settings):
    known = settings.environment
    words = known["PREFECT_API_AUTH_STRING"].split(":", 1)
    assert ask("POST", f"{settings.prefect_ui}/api/flows/filter", json={}, auth=tuple(words)).status_code == 200
    words = known["MLFLOW_TRACKING_USERNAME"], known["MLFLOW_TRACKING_PASSWORD"]
    url = f"{settings.mlflow_ui}/api/2.0/mlflow/experiments/search?max_results=5"
    assert ask("GET", url, auth=words).status_code == 200


def below(folder):
    return [folder, *sorted(folder.rglob("*"))]


def test_another_user_reads_nothing_below_the_home(settings, as_another_user):
    files = below(settings.home)
    names = {path.name for path in files}
    assert {"secrets.env", "client.env", "stack.json", "prefect.db", "mlflow.db", "prefect-server.log"} <= names
    assert as_another_user([], [settings.home.parent, *files])["files"] == [str(settings.home.parent)]


def test_all_below_the_home_is_for_its_owner_alone(settings):
    """But for files that this process, whose umask is not set, wrote into closed folders; they hold no secret."""
    started = [service.name for service in services(settings)]
    made_here = {".stack.lock", *(f"{name}{end}" for name in started for end in (".json", ".log"))}
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in below(settings.home)}
    assert len(modes) > 15
    assert {path.name for path, mode in modes.items() if mode & 0o077} <= made_here


@pytest.mark.parametrize("change", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_page_of_another_site_gets_nothing_even_with_the_password(settings, change):
    known = settings.environment
    for address, words in (
        (settings.prefect_ui, tuple(known["PREFECT_API_AUTH_STRING"].split(":", 1))),
        (settings.mlflow_ui, (known["MLFLOW_TRACKING_USERNAME"], known["MLFLOW_TRACKING_PASSWORD"])),
    ):
        found = [call for call in calls(settings) if call[1].startswith(address)]
        for method, url, body in [*found, ("GET", f"{address}/", None), ("GET", f"{address}/health", None)]:
            assert ask(method, url, json=body, headers=change, auth=words).status_code == 403, url


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "http://127.0.0.1:3000"])
def test_no_other_site_is_told_that_its_pages_may_ask(settings, origin):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for url in (f"{settings.prefect_ui}/api/flows/filter", f"{settings.mlflow_ui}/api/2.0/mlflow/runs/search"):
        answer = ask("OPTIONS", url, headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_foreign_page_opens_no_websocket(settings):
    url = f"{settings.prefect_ui}/api/events/in".replace("http", "ws", 1)
    with pytest.raises(InvalidStatus, match="403"):
        connect(url, subprotocols=["prefect"], origin="http://evil.example")


def test_a_page_of_the_uis_own_asks_also_through_a_tunnel(settings):
    words = tuple(settings.environment["PREFECT_API_AUTH_STRING"].split(":", 1))
    for address in (settings.prefect_ui.removeprefix("http://"), "localhost:14200"):
        headers = {"Host": address, "Origin": f"http://{address}"}
        url = f"{settings.prefect_ui}/api/flows/filter"
        assert ask("POST", url, json={}, headers=headers, auth=words).status_code == 200


@pytest.fixture
def typed_in(settings):
    """Return a function that types a command in a folder, in a shell that knows WINNOW_HOME and nothing else."""

    def run(folder, *words):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
        environment = kept | {"WINNOW_HOME": str(settings.home), "COLUMNS": "200", "PREFECT_CLIENT_MAX_RETRIES": "0"}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


ASKS_MLFLOW = """
from dotenv import load_dotenv
load_dotenv('.env')
import mlflow
print([experiment.name for experiment in mlflow.search_experiments()])
"""


def test_prefect_typed_in_the_clone_finds_server_and_password(settings, typed_in, tmp_path):
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    for folder in (clone, elsewhere):
        folder.mkdir()
    (clone / "pyproject.toml").write_text('[tool.prefect.api]\nurl = "http://127.0.0.1:4200/api"\n')
    (clone / ".env").write_text("MINE=kept\nexport MLFLOW_TRACKING_URI=http://old.example\n")
    code, said = typed_in(clone, BINARIES / "winnow", "up")
    assert code == 0, said
    assert f"{settings.prefect_ui}   password {settings.environment['PREFECT_API_AUTH_STRING']}" in said
    assert f"user winnow, password {settings.environment['MLFLOW_TRACKING_PASSWORD']}" in said
    lines = (clone / ".env").read_text().splitlines()
    assert lines[0] == "MINE=kept"
    assert f"MLFLOW_TRACKING_URI='{settings.mlflow_ui}'" in lines
    assert not [line for line in lines if "old.example" in line]
    assert stat.S_IMODE((clone / ".env").stat().st_mode) == 0o600
    code, said = typed_in(clone, BINARIES / "prefect", "work-pool", "ls")
    assert code == 0, said
    assert "winnow" in said
    code, said = typed_in(clone, BINARIES / "mlflow", "--env-file", ".env", "experiments", "search")
    assert (code, "Default" in said) == (0, True), said
    (clone / "notebook.py").write_text(ASKS_MLFLOW)
    code, said = typed_in(clone, sys.executable, "notebook.py")
    assert (code, "'Default'" in said) == (0, True), said
    assert typed_in(elsewhere, BINARIES / "winnow", "up")[0] == 0
    assert list(elsewhere.iterdir()) == []


MINE = """active = "mine"

[profiles.mine]
PREFECT_API_URL = "http://mine.example/api"
"""


def test_prefect_finds_the_server_in_any_folder_by_a_profile(settings, typed_in, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    profiles = tmp_path / ".prefect" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.write_text(MINE)
    code, said = typed_in(tmp_path, BINARIES / "winnow", "prefect-profile")
    assert code == 0, said
    assert tomllib.loads(profiles.read_text())["active"] == "mine", "a person's own profile stays the active one"
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    code, said = typed_in(tmp_path, BINARIES / "prefect", "--profile", "winnow", "work-pool", "ls")
    assert (code, "winnow" in said) == (0, True), said
    code, said = typed_in(tmp_path, BINARIES / "winnow", "prefect-profile", "--use")
    assert (code, "prefect profile use mine" in said) == (0, True), said
    code, said = typed_in(tmp_path, BINARIES / "prefect", "work-pool", "ls")
    assert (code, "winnow" in said) == (0, True), said
    code, said = typed_in(tmp_path, BINARIES / "winnow", "prefect-profile", "--name", "mine")
    assert (code, "of another server, http://mine.example/api" in said) == (1, True), said
    assert tomllib.loads(profiles.read_text())["profiles"]["mine"] == {"PREFECT_API_URL": "http://mine.example/api"}


def test_winnow_hands_our_password_to_no_other_server(settings, tmp_path):
    (tmp_path / ".env").write_text(f"PREFECT_API_AUTH_STRING={settings.environment['PREFECT_API_AUTH_STRING']}\n")
    code = (
        "from deployments.environment import use; from infra.services.settings import read_settings; "
        "use(read_settings()); from prefect.settings import PREFECT_API_AUTH_STRING as word; print(repr(word.value()))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    said = [
        subprocess.check_output(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=kept | {"WINNOW_HOME": str(settings.home)} | change,
            text=True,
        ).strip()
        for change in ({"PREFECT_API_URL": "http://other.example/api"}, {})
    ]
    assert said == ["''", repr(settings.environment["PREFECT_API_AUTH_STRING"])]


def test_deploying_with_a_wrong_password_says_what_to_do(run, make_round):
    done = run("winnow", "deploy", str(make_round()), PREFECT_API_AUTH_STRING="winnow:wrong")
    assert_taught(done, "asks for another password")
