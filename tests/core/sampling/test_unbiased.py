"""Horvitz-Thompson estimates from drawn texts, over many random states: what their probabilities promise.

A pool of 400 texts, a third of them near-duplicates of each other, written by few authors, some labelled before, some
positive. The population is all rows that a draw speaks of and that were not labelled before, also those that caps
leave out.
"""

from functools import cache

import numpy as np
import pytest

from tasks.core.exchange.labelled_before import text_key
from tasks.core.round.sampling_section import Explore, Sampling
from tasks.core.sampling import first_draw, label_draws
from tasks.core.sampling.assemble import assemble
from tasks.core.sampling.label_draws import draw_label
from tasks.core.sampling.label_pool import LabelledBefore
from tasks.core.sampling.near_duplicates import near_duplicates
from tests.support.array_pools import array_pool, ids

pytestmark = pytest.mark.slow

ROWS, STATES = 400, 100
DRAW = np.random.default_rng(11)
TEMPLATES = [" ".join(f"word{number}" for number in DRAW.integers(0, 999, 14)) for _ in range(20)]
TEXTS = [
    f"{TEMPLATES[place % 20]} {place % 7}" if place % 3 == 0 else " ".join(f"t{n}" for n in DRAW.integers(0, 9999, 9))
    for place in range(ROWS)
]
AUTHORS = tuple(None if place % 11 == 0 else f"author{int(place**0.5) % 13}" for place in range(ROWS))
POSITIVE = {id_: float(DRAW.random() < 0.7 - place / 1_000) for place, id_ in enumerate(ids(ROWS))}
BEFORE_IDS = frozenset(ids(ROWS)[5:200:9])
BEFORE = LabelledBefore(BEFORE_IDS, frozenset([text_key(TEXTS[250].upper()), text_key(TEXTS[17])]))
SETTINGS = {
    "top": 200,
    "exploit_texts": 30,
    "explore": Explore(motifs=0),
    "random_texts": 40,
    "adaptive_texts": 40,
    "uncertain_texts": 25,
    "strata": (20, 100, 400),
    "stratum_texts": 15,
    "drawn_first": 3,
    "texts_per_author": 2,
}


@pytest.fixture(autouse=True, scope="module")
def groups_of_the_same_texts_are_found_once():
    """Which texts are near-duplicates follows from no chance."""
    found = cache(near_duplicates)
    with pytest.MonkeyPatch.context() as patch:
        for module in (first_draw, label_draws):
            patch.setattr(module, "near_duplicates", lambda texts, similarity: found(tuple(texts), similarity).copy())
        yield


def fresh(places, texts=TEXTS):
    """Return the ids of these ranks, from 0, that were not labelled before."""
    rows = list(zip(ids(ROWS), texts, strict=True))
    known = [id_ in BEFORE_IDS or text_key(text) in BEFORE.text_keys for id_, text in rows]
    return [rows[place][0] for place in places if not known[place]]


@cache
def batches(method):
    """Draw a batch of two labels, whose ranks differ, for every random state; return draws and texts of each."""
    found = []
    for state in range(STATES):
        settings = Sampling(**SETTINGS, random_state=state)
        pools = [
            array_pool(TEXTS, settings, label, authors=AUTHORS, before=BEFORE, threshold=0.6)
            for label in ("one", "two")
        ]
        draws, texts, _ = assemble([draw_label(pool, method) for pool in pools], settings)
        found.append((draws.to_pylist(), texts.to_pylist()))
    return found


def estimates(method, wanted):
    """Return the estimated number of rows, and of positive ones, of every batch: label one, by one of its draws."""
    found = []
    for draws, _ in batches(method):
        rows = [row for row in draws if row["label"] == "one" and wanted(row)]
        weights = [1 / row["inclusion_probability"] for row in rows]
        positive = [POSITIVE[row["tweet_id"]] for row in rows]
        found.append((sum(weights), float(np.dot(weights, positive))))
    return np.array(found)


def require_unbiased(found, population):
    truth = np.array([len(population), sum(POSITIVE[id_] for id_ in population)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - truth) <= 3.5 * np.maximum(error, 1e-9)).all(), (
        found.mean(axis=0),
        truth,
        error,
    )


@pytest.mark.parametrize(
    ("method", "named", "places"), [("exploit_explore", "exploit", range(200)), ("random", "random", range(ROWS))]
)
def test_random_draws_speak_of_all_their_ranks(method, named, places):
    require_unbiased(estimates(method, lambda row: row["method"] == named), fresh(places))


@pytest.mark.parametrize(("stratum", "places"), [(0, range(20)), (1, range(20, 100)), (2, range(100, 400))])
def test_each_stratum_speaks_of_its_ranks(stratum, places):
    require_unbiased(estimates("stratified", lambda row: row["stratum"] == stratum), fresh(places))


def reach(method, reason):
    """Return how far such a draw went: it says so itself, for that follows from no chance."""
    settings = Sampling(**SETTINGS)
    pool = array_pool(TEXTS, settings, "one", authors=AUTHORS, before=BEFORE, threshold=0.6)
    return next(count.drawn_first for count in draw_label(pool, method).counts if reason in count.reason)


def test_the_best_speak_of_all_ranks_down_to_the_last():
    places = range(reach("adaptive", "first"))
    require_unbiased(estimates("adaptive", lambda row: row["method"] == "adaptive"), fresh(places))


def test_both_sides_of_a_threshold_speak_of_their_ranks():
    edge = next(place for place in range(ROWS) if 1 - (place + 1) / (ROWS + 1) <= 0.6)
    above, below = (reach("uncertainty", side) for side in ("above", "below"))
    found = estimates("uncertainty", lambda row: "above" in row["reason"])
    require_unbiased(found, fresh(range(edge - above, edge)))
    found = estimates("uncertainty", lambda row: "below" in row["reason"])
    require_unbiased(found, fresh(range(edge, edge + below)))


def test_texts_of_a_motif_speak_of_all_texts_that_hold_it():
    texts = [f"{text} lost job" if place % 5 == 0 or place < 60 else text for place, text in enumerate(TEXTS)]
    found = []
    for state in range(STATES):
        explore = Explore(motifs=1, random_texts=250, texts=8, least_texts=20, skips=0)
        settings = Sampling(**SETTINGS | {"explore": explore, "top": 100, "random_texts": 0}, random_state=state)
        pool = array_pool(texts, settings, "one", authors=AUTHORS, before=BEFORE)
        draws, _, _ = assemble([draw_label(pool, "exploit_explore")], settings)
        rows = [row for row in draws.to_pylist() if row["reason"].startswith("motif 'lost job'")]
        weights = [1 / row["inclusion_probability"] for row in rows]
        found.append((sum(weights), float(np.dot(weights, [POSITIVE[row["tweet_id"]] for row in rows]))))
    holding = [place for place in range(ROWS) if "lost job" in texts[place]]
    require_unbiased(np.array(found), fresh(holding, texts))


def test_a_batch_keeps_its_caps_and_sends_nothing_out_twice():
    for draws, texts in batches("exploit_explore")[:20]:
        assert len({text["tweet_id"] for text in texts}) == len(texts) > 30
        assert not {text["tweet_id"] for text in texts} & BEFORE_IDS
        authors = [text["author"] for text in texts if text["author"]]
        assert max(authors.count(author) for author in set(authors)) <= 2
        templates = [text["text"].rpartition(" ")[0] for text in texts if text["text"].startswith("word")]
        assert len(set(templates)) == len(templates)
        drawn = {(row["tweet_id"], row["label"]) for row in draws}
        assert drawn == {(text["tweet_id"], label) for text in texts for label in text["labels"]}
