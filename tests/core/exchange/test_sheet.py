"""A labelling sheet in a real browser: texts are labelled by key and mouse, kept, taken back, saved and imported."""

import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.settle import import_and_settle
from tasks.core.exchange.sheet import write_sheets
from tests.support.answers import open_batch
from tests.support.batches import TEXTS
from tests.support.browser import browser_page

pytestmark = pytest.mark.slow

LABELS = ("positive", "negative")
SAID = {
    "instructions": {"positive": 'Does the writer say <b>"yes"</b> & mean it?\nJudge the text alone.'},
    "examples": {
        "positive": {"yes": ["I got the job 🎉", "حصلت على وظيفة"], "no": ["</script><script>alert(1)</script>"]}
    },
}


def open_sheet(tmp_path, labels=LABELS, **labelling):
    """Return the round, its batch, and ana's sheet."""
    _, round_, settled = open_batch(tmp_path, labels, **{**SAID, **labelling})
    (path,) = write_sheets(settled, tmp_path / "sheets", ["Ana"], round_.labelling)
    return round_, settled, path


def label_all(page, words):
    """Press a key for each question, and return what was asked: the text, the label and the key."""
    asked = []
    for place, word in enumerate(words):
        asked.append((page.run("show('text').textContent"), page.text("label"), word))
        page.press(word)
        page.wait(f"Object.keys(state.answers).length === {place + 1}")
    return asked


def test_a_sheet_is_labelled_by_key_saved_and_imported(browser, tmp_path):
    round_, settled, path = open_sheet(tmp_path)
    words = ["y", "n", "u", "1", "2", "3", "Y", "n", "y", "n", "y", "s"]
    with browser_page(tmp_path / "browser") as page:
        page.open(path)
        assert page.text("count") == "0 of 12"
        asked = label_all(page, words)
        assert page.text("sum") == "5 yes, 4 no, 2 unsure, 1 skipped."
        page.click("save")
        saved = page.saved(f"{settled.batch.folder.name}-ana.csv")
        assert page.complaints == []
        assert {url.split(":")[0] for url in page.fetched} <= {"file", "about", "data", "blob"}
    assert {text for text, _, _ in asked} == set(TEXTS)
    record, settled = import_and_settle(settled, round_, saved, ImportWay())
    assert (record.new, record.blank, record.left_out) == (11, 1, {})
    texts = dict(zip(settled.batch.texts["text"].to_pylist(), settled.batch.texts["tweet_id"].to_pylist(), strict=True))
    meaning = {"y": "yes", "1": "yes", "n": "no", "2": "no", "u": "unsure", "3": "unsure", "s": "blank"}
    assert {("ana", (texts[text], label.rstrip("?"))): meaning[word.lower()] for text, label, word in asked} == {
        key: said.answer for key, said in settled.answers.items()
    }


def test_answers_are_kept_over_a_restart_and_can_be_taken_back(browser, tmp_path):
    _, _, path = open_sheet(tmp_path)
    with browser_page(tmp_path / "browser") as page:
        page.open(path)
        asked = label_all(page, ["y", "n", "u"])
        page.press("z")
        page.wait("Object.keys(state.answers).length === 2")
        assert page.run("show('text').textContent") == asked[2][0]
    with browser_page(tmp_path / "browser") as page:
        page.open(path)
        assert page.text("count") == "2 of 12"
        assert page.run("show('text').textContent") == asked[2][0]
        page.click("undo")
        page.wait("Object.keys(state.answers).length === 1")
        assert (page.run("show('text').textContent"), page.text("label")) == asked[1][:2]
        page.click("undo")
        page.wait("show('undo').disabled")


def test_skipped_questions_come_back_at_the_end(browser, tmp_path):
    _, _, path = open_sheet(tmp_path, ("positive",))
    with browser_page(tmp_path / "browser") as page:
        page.open(path)
        asked = label_all(page, ["y", "s", "n", "s", "y", "y"])
        page.click("again")
        page.wait("!show('asking').hidden")
        assert page.text("count") == "4 of 6"
        assert page.run("show('text').textContent") == asked[1][0]
        label_all(page, [])
        page.press("n")
        page.press("n")
        page.wait("!show('done').hidden")
        assert page.text("sum") == "3 yes, 3 no, 0 unsure, 0 skipped."
        assert page.run("show('again').hidden")


def test_right_to_left_emoji_and_markup_are_shown_as_written(browser, tmp_path):
    _, _, path = open_sheet(tmp_path, ("positive",))
    with browser_page(tmp_path / "browser") as page:
        page.resize(390, 844)
        page.open(path)
        directions = {}
        for _ in TEXTS:
            text = page.run("show('text').textContent")
            directions[text] = page.run("getComputedStyle(show('text')).direction")
            assert page.run("document.documentElement.scrollWidth") <= 390
            page.press("y")
        assert directions == {text: "rtl" if text == TEXTS[1] else "ltr" for text in TEXTS}
        page.click("undo")
        page.wait("!show('asking').hidden")
        assert page.text("instructions") == SAID["instructions"]["positive"]
        page.run("show('examples').open = true")
        assert page.text("no-examples").strip() == "No: </script><script>alert(1)</script>"
        assert page.run("document.scripts.length") == 1


def test_keys_with_a_modifier_answer_nothing(browser, tmp_path):
    _, _, path = open_sheet(tmp_path)
    with browser_page(tmp_path / "browser") as page:
        page.open(path)
        page.call("Input.dispatchKeyEvent", type="keyDown", key="s", modifiers=2)
        page.press("x")
        page.press("y")
        page.wait("Object.keys(state.answers).length === 1")
        assert page.run("state.answers[0]") == "yes"


def test_each_annotator_has_an_order_of_their_own_and_no_sheet_is_written_over(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    ana, ben = write_sheets(settled, tmp_path, ["ana", "ben smith"], round_.labelling)
    assert ben.name == "sampling-0123456789ab-ben_smith.html"
    order = [
        [page.read_text().index(f"id_{id_}") for id_ in settled.batch.texts["tweet_id"].to_pylist()]
        for page in (ana, ben)
    ]
    assert sorted(range(6), key=order[0].__getitem__) != sorted(range(6), key=order[1].__getitem__)
    for names, said in (
        (["ana"], "is there already"),
        ([], "name each"),
        (["x", "X "], "once"),
        ([" "], "name each"),
        (["x y", "x_y"], "one file's name"),
    ):
        with pytest.raises(InputDataError, match=said):
            write_sheets(settled, tmp_path, names, round_.labelling)


def test_scores_and_reasons_stand_in_no_sheet(tmp_path):
    _, settled, path = open_sheet(tmp_path)
    page = path.read_text()
    assert "exploit" not in page
    assert not any(str(score) in page for score in settled.batch.draws["score"].to_pylist())
    assert "://" not in page
