"""What a person needs of the report, a labelling sheet and the ranked texts stands on a desk's first screen."""

import pytest

from tasks.core.exchange.sheet import write_sheets
from tasks.core.report.page_sections import SECTIONS
from tasks.core.report.report_page import write_report
from tests.support.answers import open_batch
from tests.support.batches import TEXTS
from tests.support.browser import browser_page
from tests.support.screens import DESK, links_of, unread

MEANT = "Does the writer mean it?"


@pytest.fixture(scope="module")
def desk(browser, tmp_path_factory):
    """A browser as wide and high as a desk's screen."""
    with browser_page(tmp_path_factory.mktemp("browser")) as page:
        page.resize(*DESK)
        yield page


def test_what_cannot_be_read_is_found(desk, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<body style='margin:0'><p>plain <b>words</b> here</p>"
        "<p style='width:50px;overflow:hidden;white-space:nowrap'>much too long to be seen</p>"
        "<div style='position:relative;height:40px'>under<div style='position:absolute;inset:0;background:#fff'></div>"
        "</div><p style='margin-top:2000px'>far below</p><p hidden>hidden</p></body>"
    )
    desk.open(path)
    assert unread(desk, "plain words here", "much") == {}
    found = unread(desk, "much too long", "under", "far below", "hidden", "never written")
    assert [reason.split(" ")[0] for reason in found.values()] == ["cut", "covered", "beyond", "not", "not"]


@pytest.fixture
def report(desk, told_round):
    """The report of a round, opened."""
    desk.open(write_report(told_round))
    return desk


def test_the_report_says_first_what_is_known_of_the_round(report, told_round):
    titles = [section.title for section in SECTIONS]
    figures = ("labelled texts used", "positive: validation average precision", "positive: engine", "texts scored")
    verdicts = ("positive: precision at 20", "positive: release gate", "promoted")
    sample = "labels negative, positive, sample evaluation"
    assert unread(report, told_round.name, sample, *figures, *verdicts, *titles, "What to do next") == {}


def test_the_report_s_links_lead_to_what_they_name(report):
    links = links_of(report)
    assert len(links) == len(SECTIONS) + 1
    for title, address in links.items():
        report.run(f"[...document.querySelectorAll('nav a')].find(one => one.innerText === {title!r}).click()")
        assert report.run("location.href") == address
        assert unread(report, title) == {}
        assert report.run("document.querySelector(':target h2').innerText") == title


def test_a_sheet_shows_the_text_the_question_and_all_answers_at_once(desk, tmp_path):
    said = {"instructions": {"positive": MEANT, "negative": MEANT}}
    _, round_, settled = open_batch(tmp_path, ("positive", "negative"), **said)
    (path,) = write_sheets(settled, tmp_path / "sheets", ["Ana"], round_.labelling)
    desk.open(path)
    shown = desk.run("show('text').textContent")
    assert shown in TEXTS
    assert unread(desk, MEANT, shown, "0 of 12", "ana", "Yes", "No", "Unsure", "Skip", "Undo") == {}
    assert unread(desk, desk.text("label"), "Save answers as CSV") == {}
