"""The page of ranked texts in a real browser: read without scrolling, searched, narrowed by scores, never broken."""

import pytest

from tasks.core.base.files import write_text
from tasks.core.exchange.labelled_before import text_key
from tasks.core.report.ranked_texts.best_of_label import best_of_label
from tasks.core.report.ranked_texts.ranked_page import ranked_page
from tests.support.browser import browser_page
from tests.support.ranked_runs import LABELS, PLAIN, RULED_OUT, TEXTS, run_of_texts
from tests.support.screens import unread
from tests.support.told_rounds import HOSTILE

SCORED = len(TEXTS) - 1
REPEATED = 3
ABOUT = ["us-iter0: sample evaluation", "<b>run folder</b>"]


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    run = run_of_texts(tmp_path_factory.mktemp("ranked"))
    labels = [best_of_label(run.plan, run.folder, label, 200) for label in LABELS]
    human = {"positive": {text_key(HOSTILE[0]): "yes"}, "negative": {text_key(HOSTILE[0]): "no"}}
    path = tmp_path_factory.mktemp("page") / "best.html"
    write_text(path, ranked_page(run.plan, run.folder, labels, human, ABOUT))
    return path


@pytest.fixture(scope="module")
def browsing(browser, tmp_path_factory):
    with browser_page(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def look(browsing, page_path):
    """Open the page on a screen of a desk."""
    browsing.resize(1400, 1000)
    browsing.events.clear()
    browsing.open(page_path)
    return browsing


def texts(page, place):
    """Return the texts that a label's column shows, from the top."""
    return page.run(
        f"[...document.querySelectorAll('#column-{place} li')].filter(one => one.checkVisibility())"
        ".map(one => one.querySelector('.text').textContent)"
    )


def set_to(page, id_, value):
    """Set a field as a person does: what it says, and that it was changed."""
    page.run(f"(show('{id_}').value = '{value}', show('{id_}').dispatchEvent(new Event('input', {{bubbles: true}})))")


def test_the_best_texts_of_every_label_stand_on_the_first_screen(look):
    seen = look.run(
        "[...document.querySelectorAll('.column')].map(one => [...one.querySelectorAll('li')]"
        ".map(item => item.getBoundingClientRect())"
        ".filter(item => item.bottom <= innerHeight && item.right <= innerWidth).length)"
    )
    assert len(seen) == len(LABELS)
    assert min(seen) >= 8
    assert look.run("document.documentElement.scrollHeight <= innerHeight")
    assert look.run("document.documentElement.scrollWidth <= innerWidth")
    assert unread(look, *ABOUT, *LABELS, *HOSTILE[:4], HOSTILE[7], "human: yes") == {}
    first = look.run("document.querySelector('#column-0 li .facts').innerText").split("\n")
    assert first[:3] == ["1", "0.999", "human: yes"]
    assert first[3].endswith(", human: no")
    assert first[-1] == "id id-0"
    assert "ruled out by ngrams" in look.run("document.querySelector('#column-0').textContent")
    assert f"{RULED_OUT * 3} more were ruled out" in look.run("document.querySelector('#column-2 .head').innerText")


def test_a_search_finds_words_in_any_order_and_case_and_ids(look):
    look.click("search")
    look.call("Input.insertText", text="NUMBER good 17")
    assert texts(look, 0) == texts(look, 1) == [PLAIN[17]]
    assert look.run("document.querySelector('#column-0 .shown').innerText") == f"1 of {SCORED} shown"
    set_to(look, "search", "id-4 ")
    assert texts(look, 0) == [HOSTILE[4]]
    set_to(look, "search", "")
    assert len(texts(look, 0)) == SCORED - REPEATED


def test_thresholds_narrow_all_columns_by_every_label_s_score(look):
    set_to(look, "least-0", "0.9")
    assert texts(look, 0) == list(HOSTILE[:4])
    set_to(look, "most-1", "0.09")
    kept = texts(look, 0)
    assert kept == list(HOSTILE[: len(kept)])
    assert 0 < len(kept) < 4
    assert set(texts(look, 1)) == set(kept)
    assert "all of whose scores lie so" in look.text("all")


def test_what_has_no_score_of_a_label_is_left_out_where_a_least_one_is_asked_for(look):
    before = texts(look, 0)
    set_to(look, "least-2", "0.000001")
    assert 0 < len(before) - len(texts(look, 0)) <= RULED_OUT * 3


def test_a_text_is_shown_once_or_as_often_as_it_stands(look):
    assert look.run("document.querySelectorAll('#column-0 .copies').length") == 2 + REPEATED
    look.click("once")
    assert texts(look, 0).count(PLAIN[0]) == 3
    assert len(texts(look, 0)) == SCORED


def test_what_people_labelled_can_be_left_out(look):
    look.click("new")
    assert texts(look, 0)[0] == HOSTILE[1]
    assert HOSTILE[0] not in texts(look, 1)
    assert HOSTILE[0] in texts(look, 2)


def test_a_label_is_put_away(look):
    look.click("tick-1")
    assert look.run("[...document.querySelectorAll('.column')].map(one => one.hidden)") == [False, True, False]


def test_hostile_texts_are_texts_and_nothing_is_asked_for(look, page_path):
    shown = texts(look, 0)
    assert shown[:9] == list(HOSTILE[:9])
    assert shown[9] == "bell \\x07 and escape \\x1b[31m good"
    assert look.run("window.taken") is None
    assert look.run("document.querySelectorAll('script').length") == 1
    assert look.run("document.querySelectorAll('img, a, b:not(.facts b), .text *').length") == 0
    hebrew = f"[...document.querySelectorAll('.text')].find(one => one.textContent === {HOSTILE[4]!r})"
    assert look.run(f"getComputedStyle({hebrew}).direction") == "rtl"
    assert look.fetched == [page_path.as_uri()]
    assert look.complaints == []


def test_on_a_telephone_columns_stand_below_each_other(look):
    look.resize(375, 800)
    assert look.run("document.documentElement.scrollWidth <= innerWidth")
    tops = look.run("[...document.querySelectorAll('.column')].map(one => one.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))
