"""Off loopback: the embedded stack at this machine's own address, where Prefect and MLflow ask for passwords."""

import os
import stat
import subprocess
import sys
from functools import partial

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from infra.services import stack
from infra.services.process import is_healthy
from infra.services.settings import ServiceSettings
from infra.services.zombies import install_zombie_automation
from tests.support.commands import BINARIES
from tests.support.ports import free_port
from tests.support.stack_clients import PrefectApi
from tests.support.stack_processes import family, listening
from tests.support.waiting import LAST_RESORT_SECONDS

ask = partial(httpx.request, timeout=LAST_RESORT_SECONDS)
PREFECT_PATHS = ("/admin/version", "/automations/filter", "/flow_runs/filter")
MLFLOW_PATHS = (
    "/",
    "/api/2.0/mlflow/experiments/search?max_results=5",
    "/ajax-api/2.0/mlflow/experiments/search?max_results=5",
    "/api/2.0/mlflow-artifacts/artifacts",
    "/get-artifact?path=x&run_uuid=y",
    "/graphql",
    "/v1/traces",
    "/health/../api/2.0/mlflow/experiments/search?max_results=5",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory, own_address):
    """Settings of a stack that listens off loopback."""
    home = tmp_path_factory.mktemp("winnow-home")
    settings = ServiceSettings(home, free_port(), free_port(), host=own_address, public_host=own_address)
    try:
        stack.up(settings)
        yield settings
    finally:
        stack.down(settings)


def wrong_passwords():
    return [None, httpx.BasicAuth("winnow", "wrong"), httpx.BasicAuth("winnow", ""), httpx.BasicAuth("", "")]


@pytest.mark.parametrize("auth", wrong_passwords())
@pytest.mark.parametrize("path", PREFECT_PATHS)
def test_prefect_refuses_a_client_without_the_password(settings, path, auth):
    url = f"{settings.prefect_ui}/api{path}"
    answer = ask("POST", url, json={}, auth=auth) if "filter" in path else ask("GET", url, auth=auth)
    assert answer.status_code == 401


def test_prefect_refuses_events_without_the_password(settings):
    url = f"{settings.prefect_ui}/api/events/in".replace("http", "ws", 1)
    with connect(url, subprotocols=["prefect"]) as socket:
        socket.send('{"type": "auth", "token": "wrong"}')
        with pytest.raises(ConnectionClosed):
            socket.recv()


@pytest.mark.parametrize("auth", wrong_passwords())
@pytest.mark.parametrize("path", MLFLOW_PATHS)
def test_mlflow_refuses_a_client_without_the_password(settings, path, auth):
    for method in ("GET", "POST"):
        assert ask(method, settings.mlflow_ui + path, auth=auth).status_code == 401


def test_mlflow_answers_under_its_own_name_only(settings):
    auth = httpx.BasicAuth("winnow", settings.environment["MLFLOW_TRACKING_PASSWORD"])
    url = f"{settings.mlflow_ui}/api/2.0/mlflow/experiments/search?max_results=5"
    assert ask("GET", url, auth=auth).status_code == 200
    assert ask("GET", url, auth=auth, headers={"Host": "elsewhere.example"}).status_code == 403
    assert ask("GET", f"{settings.mlflow_ui}/health").status_code == 200


def test_clients_with_the_environment_get_in(settings):
    code = """
import mlflow
from prefect import flow
from prefect.client.orchestration import get_client

@flow
def known():
    with mlflow.start_run():
        mlflow.log_text("weights", "model/weights.txt")

known()
print(mlflow.search_runs(search_all_experiments=True).shape[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings.environment},
        cwd=settings.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "1"
    assert len(PrefectApi(settings).automations()) == 1


def test_a_shell_gets_in_with_the_client_file(settings):
    path = settings.home / stack.CLIENT_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    script = f"set -a; . {path}; set +a; {BINARIES / 'prefect'} work-pool ls"
    done = subprocess.run(["sh", "-c", script], env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "winnow" in done.stdout


def test_a_command_finds_the_stack_by_the_home_alone(settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    command = [BINARIES / "winnow", "up"]
    environment = kept | {"WINNOW_HOME": str(settings.home)}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert settings.mlflow_ui in done.stdout
    assert str(settings.home / stack.CLIENT_FILE) in done.stdout
    assert settings.environment["MLFLOW_TRACKING_PASSWORD"] in done.stdout


def test_a_browser_asks_the_server_that_it_has_the_page_from(settings):
    """As through `ssh -L`, where the browser does not reach the address that clients use."""
    assert ask("GET", f"{settings.prefect_ui}/ui-settings").json()["api_url"] == "/api"


ASKS_BOTH = "import mlflow, prefect; mlflow.search_experiments(); prefect.get_client(sync_client=True).read_flows()"


def test_a_sites_proxy_is_not_asked_for_the_services(settings, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert all(is_healthy(service) for service in stack.services(settings))
    assert not install_zombie_automation(settings)
    environment = {**os.environ, **settings.environment, "PREFECT_CLIENT_MAX_RETRIES": "0"}
    subprocess.run([sys.executable, "-c", ASKS_BOTH], env=environment, check=True)


LOOKS_FOR_A_WORKER = "from deployments.doctor.checks import check_worker; print(check_worker())"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "passed=True"),
        ({"PREFECT_API_AUTH_STRING": "winnow:wrong"}, "found='the server answers 401'"),
    ],
)
def test_the_doctor_looks_for_a_worker_and_names_a_wrong_password(settings, change, said):
    environment = {**os.environ, **settings.environment, **change}
    command = [sys.executable, "-c", LOOKS_FOR_A_WORKER]
    assert said in subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_only_prefect_and_mlflow_listen_off_loopback(settings, own_address):
    found = listening(family(settings))
    assert {port for address, port in found if address != "127.0.0.1"} == {settings.prefect_port, settings.mlflow_port}
    assert {address for address, _ in found} == {"127.0.0.1", own_address}


def test_no_password_stands_in_a_command_line_or_log(settings):
    passwords = [settings.environment["MLFLOW_TRACKING_PASSWORD"], settings.environment["PREFECT_API_AUTH_STRING"]]
    shown = [" ".join(process.cmdline()) for process in family(settings)]
    shown += [path.read_text(errors="replace") for path in (settings.home / "services").glob("*.log")]
    assert not [password for password in passwords if any(password.split(":")[-1] in text for text in shown)]
