"""`winnow doctor`'s checks of this machine and of what a node found; on SLURM they run in tests/slurm."""

import platform
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deployments.doctor.checks import check_open, check_passwords, check_server
from deployments.doctor.node import look, packages
from deployments.doctor.profiles import check_profile, judge
from infra.clusters.profiles import read_profile
from infra.services.settings import ServiceSettings
from tests.support.ports import free_port


@pytest.fixture
def found():
    """What a node without fault finds."""
    return {
        "host": "node7",
        "python": platform.python_version(),
        "packages": packages(),
        "gpus": ["NVIDIA H200"],
        "servers": {"Prefect server": None},
        "folders": {"/shared": None},
        "engines": {"positive": None},
        "scratch": {"folder": "/scratch", "free_bytes": 10**12},
    }


def failed(found, profile="slurm-gpu"):
    return {check.name: check for check in judge(profile, read_profile(profile), found) if not check.passed}


def test_a_node_without_fault_passes(found):
    assert failed(found) == {}


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"python": "3.9.2"}, "slurm-gpu: same Python and packages as here", "python 3.9.2, here"),
        ({"servers": {"Prefect server": "ConnectError: refused"}}, "slurm-gpu: server Prefect server", "refused"),
        ({"folders": {"/shared": "PermissionError"}}, "slurm-gpu: folder /shared", "PermissionError"),
        ({"engines": {"positive": "MachineError: x"}}, "slurm-gpu: engine positive", "MachineError"),
        ({"gpus": []}, "slurm-gpu: GPUs", "none"),
        ({"scratch": {"folder": "/scratch", "free_bytes": 10**6}}, "slurm-gpu: scratch /scratch", "0.0 GB free"),
    ],
)
def test_what_a_node_lacks_fails_by_name_and_says_what_to_do(found, change, name, words):
    (check,) = failed(found | change).values()
    assert check.name == name
    assert words in check.found
    assert check.remedy


def test_passwords_that_are_off_are_mentioned_and_no_fault(tmp_path):
    assert list(check_passwords(ServiceSettings(tmp_path))) == []
    (check,) = check_passwords(ServiceSettings(tmp_path, passwords=False))
    assert check.passed is None
    assert "winnow up --passwords" in check.found
    assert list(check_passwords(ServiceSettings(tmp_path, passwords=False, host="10.0.0.5"))) == []


@contextmanager
def server(status):
    """Serve on loopback: health is 200, and all else this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path.endswith("/health") else status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_a_server_that_asks_for_no_password_is_mentioned():
    with server(200) as as_0_1_0, server(401) as closed:
        assert list(check_open({"Prefect server": f"{closed}/api/health", "MLflow server": f"{closed}/health"})) == []
        found = list(check_open({"Prefect server": f"{as_0_1_0}/api/health", "MLflow server": f"{as_0_1_0}/health"}))
    assert [check.passed for check in found] == [None, None]
    assert all("winnow units" in check.found for check in found)
    assert f"{as_0_1_0}/api/admin/version answers" in found[0].found
    assert f"{as_0_1_0}/api/2.0/mlflow/experiments/search" in found[1].found


def test_a_port_that_nobody_or_another_program_has_is_told_with_what_to_do():
    with server(404) as other:
        check = check_server("Prefect server", f"{other}/api/ready")
    assert check.passed is False
    assert "another program holds that port" in check.remedy
    gone = check_server("Prefect server", f"{other}/api/health")
    assert gone.passed is False
    assert "start the servers" in gone.remedy


def test_a_package_that_a_node_lacks_is_named(found):
    del found["packages"]["numpy"]
    (check,) = failed(found).values()
    assert "numpy None, here" in check.found


def test_a_node_looks_for_itself(tmp_path, tiny_engines):
    taken = tmp_path / "file"
    taken.touch()
    url = f"http://127.0.0.1:{free_port()}/health"
    folder = tiny_engines["positive"].folder
    request = {
        "servers": {"MLflow server": url},
        "folders": [str(tmp_path), str(taken / "below")],
        "engines": {"positive": folder, "negative": str(tmp_path)},
    }
    found = look(request)
    assert "ConnectError" in found["servers"]["MLflow server"]
    assert found["folders"][str(tmp_path)] is None
    assert "NotADirectoryError" in found["folders"][str(taken / "below")]
    assert found["engines"]["positive"] is None
    assert found["engines"]["negative"] is not None
    assert found["packages"] == packages()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_local_profile_is_asked_in_a_process_of_its_own(tmp_path):
    request = {"servers": {}, "folders": [str(tmp_path)], "engines": {}}
    checks = list(check_profile("local", "inference", tmp_path, request, 60))
    assert len(checks) == 4
    assert [check for check in checks if not check.passed] == []


def test_packages_are_the_same_after_setuptools_has_put_its_own_on_the_path():
    code = "import {}\nfrom deployments.doctor.node import packages\nprint(len(packages()), 'numpy' in packages())"
    said = [
        subprocess.run([sys.executable, "-c", code.format(module)], capture_output=True, text=True, check=True).stdout
        for module in ("sys", "setuptools")
    ]
    assert said[0] == said[1]
    assert "True" in said[0]


def test_a_profile_that_is_not_there_fails_and_lists_those_that_are(tmp_path):
    (check,) = check_profile("slrum", "inference", tmp_path, {}, 60)
    assert check.passed is False
    assert "there are: local, slurm-cpu, slurm-gpu, slurm-local" in check.found
