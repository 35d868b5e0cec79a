"""Services as real processes: a small web server stands in for a big one."""

import json
import math
import signal
import socket
import subprocess
import sys
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler

import psutil
import pytest

from infra.errors import ServiceError
from infra.services.process import Service, running_process, start, stop, wait_healthy
from tasks.core.base.process_handles import is_alive
from tasks.core.base.processes import this_process
from tests.support.ports import free_port

CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"


@pytest.fixture
def service(tmp_path):
    port = free_port()
    code = (
        f"{CHILD}; from http.server import test, SimpleHTTPRequestHandler as H; test(H, port={port}, bind='127.0.0.1')"
    )
    service = Service("web", [sys.executable, "-c", code], {}, tmp_path / "services", f"http://127.0.0.1:{port}/")
    yield service
    stop(service)


def test_a_service_is_started_once_and_stopped_with_its_children(service):
    assert start(service)
    wait_healthy(service)
    assert not start(service)
    process = running_process(service)
    family = [process, *process.children()]
    assert len(family) == 2
    assert stop(service)
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)
    assert not stop(service)


def test_a_pid_that_another_program_has_by_now_is_left_alone(service):
    service.folder.mkdir()
    me = psutil.Process()
    boot, tick = this_process().start.split(".")
    of_older_versions = {"pid": me.pid, "started": me.create_time() - 100}
    for record in ({"pid": me.pid, "start": f"{boot}.{int(tick) - 1}"}, of_older_versions):
        service.pid_path.write_text(json.dumps(record))
        assert running_process(service) is None
        assert not stop(service)
        assert me.is_running()


def test_a_service_that_an_older_version_started_is_known(service):
    start(service)
    process = running_process(service)
    service.pid_path.write_text(json.dumps({"pid": process.pid, "started": process.create_time()}))
    assert running_process(service) == process
    assert stop(service)
    assert not is_alive(process)


def test_a_taken_port_is_said_to_be_taken(service):
    port = int(service.health_url.split(":")[2].strip("/"))
    server = HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(ServiceError, match="held by a program not started here"):
            start(service)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_port_that_an_outgoing_connection_has_is_said_to_be_taken(service):
    port = int(service.health_url.split(":")[2].strip("/"))
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), source_address=("127.0.0.1", port)),
        pytest.raises(ServiceError, match="ports below 32768"),
    ):
        start(service)


def test_a_service_that_ends_at_once_shows_the_end_of_its_log(tmp_path):
    code = "print('the disk is on fire'); raise SystemExit(3)"
    url = f"http://127.0.0.1:{free_port()}/"
    service = Service("broken", [sys.executable, "-c", code], {}, tmp_path / "services", url)
    start(service)
    with pytest.raises(ServiceError, match=r"(?s)broken did not come up.*the disk is on fire"):
        wait_healthy(service)


def test_a_service_of_a_starter_that_does_not_reap_it_is_seen_to_be_gone(service, monkeypatch):
    monkeypatch.setattr("infra.services.process.STOP_SECONDS", math.inf)  # else it would be killed
    words = [service.command[2], str(service.folder), service.health_url]
    command = [sys.executable, "-m", "tests.support.service_starter", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "started\n"
        main = running_process(service)
        assert stop(service)
        assert main.status() == psutil.STATUS_ZOMBIE
        assert not main.children()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("heeded", [signal.default_int_handler, signal.SIG_IGN], ids=["foreground", "background"])
def test_a_service_that_does_not_speak_http_is_asked_by_its_probe_and_stopped_by_its_signal(tmp_path, heeded):
    said = tmp_path / "said"
    code = f"""import pathlib, time
said = pathlib.Path({str(said)!r})
try:
    said.write_text("ready")
    time.sleep(600)
except KeyboardInterrupt:
    said.write_text("SIGINT")
"""
    service = Service(
        "silent",
        [sys.executable, "-c", code],
        {},
        tmp_path / "services",
        f"tcp://127.0.0.1:{free_port()}",
        probe=said.exists,
        stop_signal=signal.SIGINT,
    )
    before = signal.signal(signal.SIGINT, heeded)  # a shell has what it starts in the background ignore it
    try:
        start(service)
    finally:
        signal.signal(signal.SIGINT, before)
    wait_healthy(service)
    assert said.read_text() == "ready"
    assert stop(service)
    assert said.read_text() == "SIGINT"
