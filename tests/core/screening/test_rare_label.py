"""A rare label: what the floor of the fit does for its screen, and whether draws that grow keep what they promise."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.screening.certify import top_from
from tasks.core.screening.draw_sizes import DrawSizes, grow
from tasks.core.screening.linear_screen import FLOOR, fit_screen
from tasks.core.screening.promise import Promise
from tasks.core.screening.recall_bound import bound_recall, least_top_texts
from tests.support.kept_promises import keeps
from tests.support.simulated import population

RARE = 0.002
"""So large a share of the texts is of the label."""


def rare_texts(seed, texts=24_000, common=3_000, telling=40):
    """Make texts with an expert's log-odds: of the label are those that hold three telling words.

    One telling word alone stands in every fifth text, and says little; what else the expert thinks of texts is of
    their common words, and nothing to learn.
    """
    random = np.random.default_rng(seed)
    words = np.minimum(random.zipf(1.3, (texts, 8)) - 1, common - 1)
    odds = -9 + random.normal(0, 1.5, common)[words].sum(axis=1) / 2 + random.normal(0, 0.5, texts)
    one, rare = random.random(texts) < 0.2, random.random(texts) < RARE
    words[one, 0] = common + random.integers(0, telling, one.sum())
    words[rare, :3] = common + random.integers(0, telling, (rare.sum(), 3))
    odds[rare] = 3 + random.normal(0, 1, rare.sum())
    names = np.array([f"w{number}" for number in range(common)] + [f"jobless{number}" for number in range(telling)])
    return pa.array([" ".join(text) for text in names[words]], pa.large_string()), odds


def passed(texts, odds, floor):
    """Return which share of other texts passes to keep all of the rare top, of a screen fitted with a floor."""
    half = len(odds) // 2
    screen = fit_screen(texts[:half], odds[:half, None], ("rare",), floor=floor)
    guesses, expert = screen.score(texts[half:])[:, 0], odds[half:]
    return float((guesses >= guesses[expert >= top_from(expert, RARE)].min()).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_floor_makes_the_screen_of_a_rare_label_pass_far_fewer_texts(seed):
    texts, odds = rare_texts(seed)
    assert passed(texts, odds, FLOOR) < passed(texts, odds, 0.0) / 4


PROMISE = Promise(0.001, 0.95, 0.95)
SHORT = DrawSizes(fit=20_000, choose=0, audit=0, calibrate=10_000)
"""About ten top texts of a label of 1 in 1,000, where the bound needs 59."""
POOL = 10_000_000


def grown_draw(pool, random, enough):
    """Return the fitting draw's least top score and the calibration draw, enlarged until it is enough."""
    least = top_from(pool.expert[random.integers(0, len(pool.expert), SHORT.fit)], PROMISE.top_share)
    sizes, rows = SHORT, random.integers(0, len(pool.expert), SHORT.calibrate)
    for _ in range(20):
        top = pool.stages[rows[pool.expert[rows] >= least], 0]
        wanted = enough(sizes, top)
        if wanted == sizes or wanted.off:
            break
        sizes = wanted
        rows = np.concatenate([rows, random.integers(0, len(pool.expert), sizes.calibrate - len(rows))])
    return least, top, wanted


def by_number(sizes, top):
    return grow(sizes, POOL, PROMISE, len(top))


def test_draws_that_grow_by_the_number_of_rare_top_texts_keep_what_is_promised_and_end():
    pool, random, kept, drawn = population(8), np.random.default_rng(3), [], []
    for _ in range(150):
        least, top, sizes = grown_draw(pool, random, by_number)
        assert not sizes.off
        assert len(top) >= least_top_texts(PROMISE)
        threshold = bound_recall(top, PROMISE).threshold
        kept.append((pool.stages[pool.expert >= least, 0] >= threshold).mean())
        drawn.append(sizes.calibrate)
    assert keeps(np.array(kept), PROMISE)
    assert np.median(drawn) < 150_000  # 59 top texts are in 59,000 on average; draws do not run away


def test_a_label_too_rare_for_its_pool_ends_unscreened_and_says_what_it_found():
    pool, random = population(8), np.random.default_rng(3)
    *_, sizes = grown_draw(pool, random, lambda sizes, top: grow(sizes, 60_000, PROMISE, len(top)))
    assert "held" in sizes.off
    assert "must hold 59 top texts" in sizes.off


def test_draws_made_anew_until_the_outcome_pleases_keep_less_than_is_promised():
    pool, random, kept = population(8), np.random.default_rng(3), []
    for _ in range(40):
        draws = [grown_draw(pool, random, by_number) for _ in range(25)]
        thresholds = [bound_recall(top, PROMISE).threshold for _, top, _ in draws]
        best = int(np.argmax(thresholds))
        kept.append((pool.stages[pool.expert >= draws[best][0], 0] >= thresholds[best]).mean())
    assert not keeps(np.array(kept), PROMISE)
