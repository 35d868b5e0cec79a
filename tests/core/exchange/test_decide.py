"""The rule of the round decides what several answers come to."""

import pytest

from tasks.core.exchange.answers import ADJUDICATOR
from tasks.core.exchange.decide import decision
from tasks.core.round.labelling_section import Labelling
from tests.support.answers import import_rows, open_batch, said_by


@pytest.mark.parametrize(
    ("said", "rule", "decided"),
    [
        ("yyn", "majority", (1, 2, 1, "majority")),
        ("ynn", "majority", (0, 1, 2, "majority")),
        ("yn", "majority", (None, 1, 1, "tied")),
        ("yyn", "unanimous", (None, 2, 1, "disagreed")),
        ("yyn", "adjudicate", (None, 2, 1, "to adjudicate")),
        *((("yyub"), rule, (1, 2, 0, "unanimous")) for rule in ("majority", "unanimous", "adjudicate")),
        *((("n"), rule, (0, 0, 1, "unanimous")) for rule in ("majority", "unanimous", "adjudicate")),
        ("uub", "majority", (None, 0, 0, "unsure")),
        ("bb", "majority", (None, 0, 0, "unanswered")),
        ("", "majority", (None, 0, 0, "unanswered")),
    ],
)
def test_each_rule_decides(said, rule, decided):
    words = {"y": "yes", "n": "no", "u": "unsure", "b": "blank"}
    by = {f"annotator {place}": words[letter] for place, letter in enumerate(said)}
    assert decision(by, Labelling(rule=rule)) == decided


def test_too_few_votes_decide_nothing():
    assert decision({"ana": "yes", "ben": "unsure"}, Labelling(least_votes=2)) == (None, 1, 0, "too few votes")


@pytest.mark.parametrize(
    ("word", "decided"), [("yes", (1, 1, 2, "adjudicated")), ("unsure", (None, 1, 2, "disagreed"))]
)
def test_the_adjudicators_word_is_the_last(word, decided):
    by = {"ana": "yes", "ben": "no", "cat": "no", ADJUDICATOR: word}
    assert decision(by, Labelling(rule="unanimous")) == decided


def test_an_adjudication_list_goes_out_comes_back_and_decides(tmp_path):
    _, round_, settled = open_batch(tmp_path, rule="adjudicate")
    rows = [*said_by("ana", ["yes", "no", "yes"]), *said_by("ben", ["yes", "yes", "no"])]
    _, settled = import_rows(settled, round_, tmp_path, rows)
    assert settled.decided["how"].to_pylist()[:4] == ["unanimous", "to adjudicate", "to adjudicate", "unanswered"]
    last = [(1, "positive", "someone", "no")]
    _, settled = import_rows(settled, round_, tmp_path, last, name="last.csv", adjudicated=True)
    assert settled.decided["target"].to_pylist()[:3] == [1, 0, None]
    assert settled.decided["votes_yes"].to_pylist()[:3] == [2, 1, 1]
