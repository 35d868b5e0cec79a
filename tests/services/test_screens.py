"""Prefect's and MLflow's UIs in a real browser, of a trained and converted round: all that matters is seen at once."""

import re

import pytest

from tests.support.browser import browser_page
from tests.support.screens import DESK, unread
from tests.support.stack_clients import PrefectApi
from tests.support.ui_pages import look_at, sign_in


@pytest.fixture(scope="module")
def desk(browser, settings, conversion, tmp_path_factory):
    """A browser as wide and high as a desk's screen, into which the stack's passwords were typed."""
    with browser_page(tmp_path_factory.mktemp("browser")) as page:
        page.resize(*DESK)
        sign_in(page, settings)
        yield page


def addresses(told, server):
    """Return the pages that a run named at its end for a server."""
    return [line.split()[1] for line in told.lines if line.strip().startswith(f"{server}  ")]


def run_name(told):
    """Return what Prefect calls the flow run."""
    return re.search("is flow run '(.*)', ", told.lines[0]).group(1)


@pytest.mark.parametrize("flow", ["training", "conversion"])
def test_the_link_to_prefect_leads_to_the_run_and_its_tabs(desk, request, flow):
    told = request.getfixturevalue({"training": "trained", "conversion": "conversion"}[flow])
    (page,) = addresses(told, "Prefect")
    look_at(desk, page, run_name(told))
    assert unread(desk, run_name(told), "Completed", flow, "us-iter0", "Artifacts", "Parameters", "Logs") == {}


def test_the_run_form_has_every_parameter_with_its_meaning(desk, settings, deployed_round):
    deployment = PrefectApi(settings).deployment("inference/us-iter0")
    look_at(desk, f"{settings.prefect_ui}/deployments/deployment/{deployment}/run", "round_file")
    shown = desk.run("document.body.innerText")
    for name in ("sample", "run_name", "limit", "dry_run", "cluster", "memory_gib", "walltime_minutes", "screened"):
        assert name in shown
    assert unread(desk, "Parameters", "round_file", "Path of the round's YAML", "sample", "run_name") == {}


def test_the_links_to_mlflow_lead_to_each_label_s_seeds_side_by_side(desk, trained):
    for page, label in zip(addresses(trained, "MLflow"), ("negative", "positive"), strict=True):
        look_at(desk, page, f"{label} seed 1")
        figures = [f"{split}/{figure}" for split in ("validation", "test") for figure in ("average_precision", "f1")]
        assert unread(desk, "us-iter0", f"seeds of {label}", *figures) == {}
        readable = [f"{label} seed {seed}, selected" for seed in (1, 2)]
        assert len(unread(desk, *readable)) == 1, "one seed of two is the selected one, and its name is read whole"
