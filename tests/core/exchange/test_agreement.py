"""Agreement is what its authors published for their own examples."""

import numpy as np
import pytest

from tasks.core.exchange.agreement import agreement_of, alpha, cohen_kappa, fleiss_kappa
from tasks.core.exchange.answers import ADJUDICATOR, Said

NAN = float("nan")
FLEISS_1971 = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]
"""The worked example of 10 subjects, 14 raters and 5 categories in the article on Fleiss' kappa: 0.210."""
KRIPPENDORFF_2011 = [
    [NAN, NAN, NAN, NAN, NAN, 3, 4, 1, 2, 1, 1, 3, 3, NAN, 3],
    [1, NAN, 2, 1, 3, 3, 4, 3, NAN, NAN, NAN, NAN, NAN, NAN, NAN],
    [NAN, NAN, 2, 1, 3, 4, 4, NAN, 2, 1, 1, 3, 3, NAN, 4],
]
"""The example with missing data in the article on Krippendorff's alpha: nominal 0.691."""


def test_cohens_kappa_is_that_of_the_grant_readers():
    """50 proposals, two readers: both yes 20, yes and no 5, no and yes 10, both no 15; kappa is 0.4."""
    first = np.repeat([1.0, 1.0, 0.0, 0.0], [20, 5, 10, 15])
    second = np.repeat([1.0, 0.0, 1.0, 0.0], [20, 5, 10, 15])
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_fleiss_kappa_is_that_of_the_published_table():
    assert fleiss_kappa(np.array(FLEISS_1971)) == pytest.approx(0.210, abs=5e-4)


def test_krippendorffs_alpha_is_that_of_the_published_data():
    assert alpha(np.array(KRIPPENDORFF_2011)) == pytest.approx(0.691, abs=5e-4)


def test_krippendorffs_alpha_of_binary_data_is_the_published_one():
    """Computing Krippendorff's alpha-reliability, A: 2 observers, 10 articles, binary: 0.095."""
    observed = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert alpha(np.array(observed, float)) == pytest.approx(0.095, abs=5e-4)


def rated(**words):
    """Return answers: an annotator's letters, a text each."""
    meaning = {"y": "yes", "n": "no", "u": "unsure", "b": "blank"}
    return {
        (annotator, (str(place), "positive")): Said(meaning[letter], "")
        for annotator, letters in words.items()
        for place, letter in enumerate(letters)
    }


def test_only_yes_and_no_of_those_who_count_are_ratings():
    answers = rated(ana="yynnu", ben="yynyn", bot="nnyyn", **{ADJUDICATOR: "yynnn"})
    answers["ana", ("0", "negative")] = Said("no", "")
    found = agreement_of("positive", answers, {"bot": "failed"})
    assert found.ratings == {"ana": 4, "ben": 5}
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.texts, pair.same) == ("ana", "ben", 4, 0.75)
    assert pair.kappa == pytest.approx(0.5)
    assert (found.fleiss_raters, found.fleiss_texts) == (2, 4)
    assert found.fleiss == pytest.approx(0.466667, abs=1e-6)
    assert found.alpha == pytest.approx(alpha(np.array([[1, 1, 0, 0, NAN], [1, 1, 0, 1, 0]])))


def test_fleiss_kappa_is_of_the_number_of_raters_that_most_texts_have():
    found = agreement_of("positive", rated(ana="yynnyn", ben="ynnnyy", cat="yy"), {})
    assert (found.fleiss_raters, found.fleiss_texts) == (2, 4)


@pytest.mark.parametrize(
    "words", [{}, {"ana": "y"}, {"ana": "yn"}, {"ana": "y", "ben": "n"}, {"ana": "yyy", "ben": "yyy"}]
)
def test_figures_that_do_not_exist_are_none(words):
    found = agreement_of("positive", rated(**words), {})
    assert (found.fleiss, found.alpha) == (None, None)
    assert [pair.kappa for pair in found.pairs] == [None] * (len(words) == 2)


def test_an_annotator_with_one_row_changes_no_pair_of_others():
    two = agreement_of("positive", rated(ana="yynn", ben="yynn"), {})
    three = agreement_of("positive", rated(ana="yynn", ben="yynn", cat="n"), {})
    assert next(pair.kappa for pair in three.pairs if pair.second == "ben") == two.pairs[0].kappa == 1.0
    assert [pair.kappa for pair in three.pairs if pair.second == "cat"] == [None, None]
