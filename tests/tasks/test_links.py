"""Links are for people: the work that they lead to goes on without them."""

import logging
from pathlib import Path
from uuid import uuid4

from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks import links
from tests.support.ports import free_port


def test_a_link_that_prefect_s_server_does_not_take_stops_no_work(monkeypatch, caplog):
    monkeypatch.setitem(links._OF_RUN, "None", links.Links(uuid4()))
    address = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: address}), caplog.at_level(logging.WARNING):
        links.add_link("run folder", Path("/runs/one"))
    assert "run folder: `/runs/one`" in links.links_below()
