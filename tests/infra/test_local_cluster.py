"""The local Dask cluster does nobody's work but its flow's."""

import os
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from distributed import Client, LocalCluster, Security

from infra.cluster import Place, make_local_cluster, task_runner
from infra.clusters.profiles import AddressProfile
from infra.dask_workers.pages import COOKIE, lock_pages

PAGES = ("/", "/status", "/json/counts.json", "/info/main/workers.html", "/metrics", "/health", "/sitemap.json")


@pytest.fixture(scope="module")
def cluster():
    with make_local_cluster(1, 1, 0) as cluster:
        yield cluster


def test_its_own_client_gets_work_done(cluster):
    with Client(cluster, set_as_default=False) as client:
        assert client.submit(sum, [1, 2]).result() == 3


@pytest.mark.parametrize("security", [None, Security.temporary()], ids=["no keys", "other keys"])
def test_a_stranger_has_nothing_run(cluster, security, caplog):
    addresses = [cluster.scheduler_address, *cluster.scheduler_info["workers"]]
    assert len(addresses) == 2
    for address in addresses:
        assert address.startswith("tls://127.0.0.1:")
        place = address if security else address.replace("tls://", "tcp://")
        with pytest.raises(OSError, match=r"(?i)timed out|reset|certificate"):
            Client(place, security=security, timeout="3 s", set_as_default=False)
    assert "TLS handshake failed" in caplog.text


def speak(port):
    """Speak to a port with TLS but no certificate, and return what it answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secured:
        secured.sendall(b"x")
        return secured.recv(1)


def test_a_stranger_without_a_certificate_is_not_even_heard(cluster):
    with pytest.raises(OSError, match=r"(?i)certificate|reset|EOF"):
        speak(int(cluster.scheduler_address.rsplit(":", 1)[1]))


def test_its_pages_are_shown_to_nobody(cluster):
    port = cluster.scheduler.http_server.port
    for page in PAGES:
        assert httpx.get(f"http://127.0.0.1:{port}{page}").status_code == 403, page
        assert httpx.get(f"http://127.0.0.1:{port}{page}?key=wrong").status_code == 403, page


def test_a_workers_pages_hold_nothing(cluster):
    for worker in cluster.scheduler_info["workers"].values():
        found = {page: httpx.get(f"http://127.0.0.1:{worker['services']['dashboard']}{page}") for page in PAGES}
        assert {page for page, answer in found.items() if answer.status_code != 404} == {"/sitemap.json"}
        assert found["/sitemap.json"].json() == {"paths": ["/sitemap.json"]}


def test_a_dashboard_opens_by_its_link_and_stays_open_for_that_browser():
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", processes=False, protocol="tcp://") as cluster:
        key = lock_pages(cluster.scheduler)
        with httpx.Client(base_url=f"http://127.0.0.1:{cluster.scheduler.http_server.port}") as browser:
            assert browser.get("/status").status_code == 403
            assert browser.get("/json/counts.json", headers={"Cookie": f"{COOKIE}=wrong"}).status_code == 403
            opened = browser.get(f"/status?key={key}")
            assert (opened.status_code, opened.headers["location"]) == (302, "/status")
            assert browser.get("/status").status_code == 200
            assert browser.get("/json/counts.json").json()["workers"] == 0
            assert browser.post("/status").status_code == 405
        assert httpx.post(f"http://127.0.0.1:{cluster.scheduler.http_server.port}/status").status_code == 403


def test_workers_of_a_scheduler_that_ran_before_get_mlflows_password(monkeypatch):
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "winnow")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
        task_runner(AddressProfile(kind="address", address=cluster.scheduler_address), Place("x", Path()))
        cluster.scale(2)
        with Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(2)
            assert set(client.run(os.getenv, "MLFLOW_TRACKING_PASSWORD").values()) == {"secret"}
