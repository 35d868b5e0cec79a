"""The page of a round in a real browser: read on a desk and a telephone, in light and dark, without a network."""

import pytest

from tasks.core.report.page_sections import SECTIONS
from tasks.core.report.report_page import write_report
from tests.support.told_rounds import HOSTILE

SIZES = [(1400, 1000), (375, 800)]


@pytest.fixture(scope="module")
def page_path(told_round):
    return write_report(told_round)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_says_all_and_asks_for_nothing(browser, page_path, width, height, dark):
    page = browser.open(page_path.as_uri(), width, height, dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.querySelectorAll('section')].map(one => one.id)") == [
        *(section.key for section in SECTIONS),
        "next",
    ]
    wide = "[...document.querySelectorAll('td, dd, li, p, svg')].filter(one => one.getBoundingClientRect().right > %d)"
    assert page.evaluate(f"{wide % (width + 1)}.length") == 0
    assert page.evaluate("document.querySelectorAll('svg.chart text').length") > 10
    assert page.requests == [page_path.as_uri()]
    assert page.complaints == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 29)" if dark else "rgb(255, 255, 255)")


def test_hostile_texts_are_texts(browser, page_path):
    page = browser.open(page_path.as_uri())
    shown = page.evaluate("[...document.querySelectorAll('.text')].map(one => one.textContent)")
    assert set(HOSTILE[:9]) <= set(shown)
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.querySelectorAll('script, img').length") == 0
    hebrew = f"[...document.querySelectorAll('.text')].find(one => one.textContent === {HOSTILE[4]!r})"
    assert page.evaluate(f"getComputedStyle({hebrew}).direction") == "rtl"


def test_it_prints(browser, page_path):
    assert browser.open(page_path.as_uri()).print_pdf().startswith(b"%PDF")
