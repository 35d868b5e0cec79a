"""Artifacts in Prefect's own UI, on a screen of 1,400 x 1,000: the verdict first, every row there, nothing cut off."""

import json

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_API_URL, temporary_settings

from infra.services import stack
from infra.services.settings import ServiceSettings
from tasks.artifacts import leave_page, leave_table
from tasks.core.loop.course import Course, StepRecord, summary
from tests.support.browser import browser_page
from tests.support.ports import free_port

SENTENCE = "precision at 20 is 0.85 (0.62 to 0.97), the champion's 0.8 (0.56 to 0.94): a change of +0.05 (-0.1 to +0.2)"
PARITY = {
    "verdict": "serves, near the limit", "variant": "retraining alone (seeds 3, 2)", "texts/s/core": "1156",
    "moves at most": "0.0064", "test AP loss": "+0.0007", "file MiB": "1156.6",
}  # fmt: skip
SEEDS = {
    "selected": "winner", "study": "is_unemployed", "seed": 12, "validation average_precision": "0.9104",
    "95 % interval": "0.8644 to 0.9481", "test AP": "0.8862",
}  # fmt: skip
VERDICTS = {
    "verdict": "unclear", "label": "is_unemployed", "version": "12", "champion": "11", "answered": "80 of 100",
    "because": SENTENCE,
}  # fmt: skip
CURVE = {
    "label": "is_unemployed", "ranks": "1 to 1,000,000", "labelled": "20 of 20 drawn",
    "precision within": "0.850 (0.621 to 0.968)", "precision down to here": "0.850 (0.621 to 0.968)",
}  # fmt: skip
SCREENS = {
    "registered": "version 12", "label": "is_unemployed", "seed": 3, "keeps": "99 % of the best 0.5 %",
    "passes, certified": "6.55 %", "passes at best": "4.80 %",
}  # fmt: skip
TABLES = {
    "parity": [PARITY] * 9,
    "seeds": [SEEDS] * 9,
    "verdicts": [VERDICTS] * 3,
    "curve": [CURVE] * 9,
    "screens": [SCREENS] * 6,
}
STEPS = ("pretraining", "training", "conversion of students", "inference of evaluation", "evaluation and gate")
LINK = "http://127.0.0.1:4200/runs/flow-run/0642"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where Prefect's UI is, with the tables."""

    @flow
    def leaves_tables():
        for name, rows in TABLES.items():
            leave_table(f"shown-{name}", rows, f"Of the {name}")
        steps = [StepRecord(step, "done", "", {}, "/runs/iter_0-main", SENTENCE, True, LINK) for step in STEPS]
        leave_page("shown-round", summary(Course("us-iter0", "main", "Completed", steps)))

    home = tmp_path_factory.mktemp("stack") / "home"
    settings = ServiceSettings(home, free_port(), free_port(), passwords=False)
    with stack.running(settings), temporary_settings({PREFECT_API_URL: f"{settings.prefect_ui}/api"}):
        leaves_tables()
        yield settings.prefect_ui


@pytest.fixture(scope="module")
def screen(browser, tmp_path_factory):
    with browser_page(tmp_path_factory.mktemp("browser")) as page:
        page.resize(1400, 1000)
        yield page


def look_at(screen, address, name):
    """Open an artifact's page, and return of each row of its table what its cells say."""
    with get_client(sync_client=True) as client:
        asked = ArtifactFilter(key=ArtifactFilterKey(any_=[f"shown-{name}"]))
        (artifact,) = client.read_artifacts(artifact_filter=asked)
    screen.call("Page.navigate", url=f"{address}/artifacts/artifact/{artifact.id}")
    screen.wait(f"location.href.includes('{artifact.id}') && document.querySelectorAll('table tr').length > 2")
    rows = "[...document.querySelectorAll('table tr')].map(row => [...row.children].map(cell => cell.innerText.trim()))"
    return screen.run(rows)


@pytest.mark.parametrize("name", [*TABLES, "round"])
def test_every_row_is_seen_to_its_end_without_scrolling(screen, address, name):
    rows = look_at(screen, address, name)
    assert len(rows) == 1 + len(TABLES.get(name, STEPS))
    assert rows[0][0] in {"verdict", "selected", "registered", "label"}
    cut = "[...document.querySelectorAll('table')].map(one => one.scrollWidth > one.parentElement.clientWidth)"
    assert screen.run(cut) == [False]
    assert screen.run("[...document.querySelectorAll('table tr')].pop().getBoundingClientRect().bottom <= innerHeight")


def test_a_sentence_that_no_cell_holds_stands_above_the_table(screen, address):
    assert "because" not in look_at(screen, address, "verdicts")[0]
    assert json.dumps(SENTENCE)[1:-1] in screen.run("document.body.innerText")


def test_a_step_leads_to_its_flow_run(screen, address):
    look_at(screen, address, "round")
    assert LINK in screen.run("[...document.querySelectorAll('table a')].map(one => one.href)")
