"""A registered engine model as others use it: MLflow against a real server, in a Python without Winnow."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from mlflow.tracking import MlflowClient

from tasks.core.base.files import sha256_of_folder
from tasks.records.registry import Registration, fetch_folder, register_folder
from tasks.records.tracking import tracking_uri
from tests.support.ports import free_port
from tests.support.pyfunc import PYFUNC_SCRIPT, TEXTS, scores_of, without_winnow, write_tiny_engine
from tests.support.waiting import LAST_RESORT_SECONDS, wait_for


@pytest.fixture(scope="module")
def registered(tracking, tiny_bert, tmp_path_factory):
    """A registered engine model; returns it, its version and where local copies lie."""
    root = tmp_path_factory.mktemp("registered")
    model = write_tiny_engine(tiny_bert, root / "engine")
    client = MlflowClient(tracking_uri())
    run = client.create_run(client.create_experiment("pyfunc"))
    registration = Registration("pf.positive", "iter0-onnx", root / "engine", run.info.run_id, "engine", {})
    return model, register_folder(registration, root / "copies"), root / "copies"


@pytest.fixture
def serve(tracking, tmp_path):
    """Return a function that starts `mlflow models serve` on loopback; it is stopped with all that it started."""
    started = []

    def start(uri):
        port = free_port()
        binaries = Path(sys.executable).parent
        command = [binaries / "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
        environment = without_winnow(tmp_path / "site") | {"PATH": f"{binaries}:{os.environ['PATH']}"}
        with (tmp_path / "serve.log").open("wb") as log:
            server = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                env=environment,
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(server)
        ping = f"http://127.0.0.1:{port}/ping"
        log = tmp_path / "serve.log"
        wait_for(lambda: answers(ping), f"{ping} answered", lambda: server.poll() is None, told=log.read_text)
        return f"http://127.0.0.1:{port}/invocations"

    yield start
    for server in started:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def answers(url):
    try:
        return httpx.get(url, timeout=LAST_RESORT_SECONDS).status_code == 200
    except httpx.TransportError:
        return False


def test_mlflow_loads_it_by_its_alias(registered, outside):
    model, version, copies = registered
    done = outside(PYFUNC_SCRIPT, f"models:/{version.name}@iter0-onnx", json.dumps(TEXTS))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"] == scores_of(model)
    assert fetch_folder(version, copies) == copies / version.name / version.folder_name


def test_mlflow_loads_winnows_own_copy_and_leaves_it_as_it_was(registered, outside):
    _, version, copies = registered
    folder = fetch_folder(version, copies)
    stamp = (folder / "model.onnx").stat().st_ino
    done = outside(PYFUNC_SCRIPT, str(folder), json.dumps(TEXTS))
    assert done.returncode == 0, done.stderr
    assert (fetch_folder(version, copies) / "model.onnx").stat().st_ino == stamp
    assert not [name for name in sha256_of_folder(folder) if "__pycache__" in name]


def test_mlflow_serves_it(registered, serve):
    model, version, _ = registered
    address = serve(f"models:/{version.name}@iter0-onnx")
    expected = scores_of(model)
    frame = {"columns": ["id", "text"], "data": [[number, text] for number, text in enumerate(TEXTS)]}
    for body in ({"inputs": TEXTS}, {"instances": TEXTS}, {"dataframe_split": frame}):
        answer = httpx.post(address, json=body, timeout=LAST_RESORT_SECONDS)
        assert answer.status_code == 200, answer.text
        assert [row["probability"] for row in answer.json()["predictions"]] == expected
    refused = httpx.post(address, json={"inputs": ["a", None]}, timeout=LAST_RESORT_SECONDS)
    assert refused.status_code == 400
    assert "row 1 of the input (index 1) is None, which is no text" in refused.text
