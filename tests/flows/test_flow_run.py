import pytest
from prefect import flow
from prefect.artifacts import Artifact

from infra.dask_workers.flow_run import link_dashboard, run_logger

pytestmark = pytest.mark.usefixtures("prefect_harness")


@flow
def link(name: str) -> None:
    link_dashboard(name, 8787, "secret")


def test_the_flow_run_links_the_dashboard_and_says_how_to_reach_it():
    link("us-iter25_Pedro-training")
    found = Artifact.get("us-iter25-pedro-training-dask")
    assert "http://127.0.0.1:8787/status?key=secret" in found.data
    assert "ssh -N -L 8787:127.0.0.1:8787" in found.description


def test_outside_a_flow_there_is_a_plain_logger_and_no_artifact():
    link_dashboard("nobody", 8787, "secret")
    assert Artifact.get("nobody-dask") is None
    assert run_logger().name == "winnow.cluster"
