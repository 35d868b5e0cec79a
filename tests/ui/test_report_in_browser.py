"""The page of a round in a real browser: read on a desk and a telephone, in light and dark, without a network."""

import base64

import pytest

from tasks.core.report.page_sections import SECTIONS
from tasks.core.report.report_page import write_report
from tests.support.browser import browser_page
from tests.support.told_rounds import HOSTILE

SIZES = [(1400, 1000), (375, 800)]


@pytest.fixture(scope="module")
def page_path(told_round):
    return write_report(told_round)


@pytest.fixture(scope="module")
def browsing(browser, tmp_path_factory):
    with browser_page(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def look(browsing, page_path):
    """Return a function that opens the page on a screen of some size."""

    def opened(width, height, dark=False):
        browsing.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browsing.call("Emulation.setEmulatedMedia", features=[scheme])
        browsing.events.clear()
        browsing.open(page_path)
        return browsing

    return opened


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_says_all_and_asks_for_nothing(look, page_path, width, height, dark):
    page = look(width, height, dark)
    assert page.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.run("[...document.querySelectorAll('section')].map(one => one.id)") == [
        *(section.key for section in SECTIONS),
        "next",
    ]
    wide = "[...document.querySelectorAll('td, dd, li, p, svg')].filter(one => one.getBoundingClientRect().right > %d)"
    assert page.run(f"{wide % (width + 1)}.length") == 0
    assert page.run("document.querySelectorAll('svg.chart text').length") > 10
    assert page.fetched == [page_path.as_uri()]
    assert page.complaints == []
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 29)" if dark else "rgb(255, 255, 255)")


def test_hostile_texts_are_texts(look):
    page = look(*SIZES[0])
    shown = page.run("[...document.querySelectorAll('.text')].map(one => one.textContent)")
    assert set(HOSTILE[:9]) <= set(shown)
    assert page.run("window.taken") is None
    assert page.run("document.querySelectorAll('script, img').length") == 0
    hebrew = f"[...document.querySelectorAll('.text')].find(one => one.textContent === {HOSTILE[4]!r})"
    assert page.run(f"getComputedStyle({hebrew}).direction") == "rtl"


def test_it_prints(look):
    printed = look(*SIZES[0]).call("Page.printToPDF", printBackground=True)["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")
