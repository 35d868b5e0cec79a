"""Leaving texts out at random, with the probability that each had to stay."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.sampling.thinning import keep_of_groups, keep_some


def rows(count, chance=1.0):
    ids = [f"id{place}" for place in range(count)]
    return pa.table({"tweet_id": ids, "inclusion_probability": pa.array([chance] * count, pa.float64())})


def test_some_stay_each_with_the_same_probability():
    kept = keep_some(rows(40, 0.5), 10, "key")
    assert len(kept) == 10
    assert set(kept["inclusion_probability"].to_pylist()) == {0.5 * 10 / 40}
    assert keep_some(rows(9), 10, "key") == rows(9)


def test_of_each_group_as_many_stay_as_may():
    kept = keep_of_groups(rows(7), ["a", "a", "a", "a", "b", None, None], 3, "key")
    assert len(kept) == 6
    chances = dict(zip(kept["tweet_id"].to_pylist(), kept["inclusion_probability"].to_pylist(), strict=True))
    assert [chance for id_, chance in chances.items() if id_ in {"id0", "id1", "id2", "id3"}] == [0.75] * 3
    assert [chances[id_] for id_ in ("id4", "id5", "id6")] == [1.0, 1.0, 1.0]


def test_the_order_of_rows_makes_no_difference():
    table = rows(30)
    other = table.take(pa.array(np.random.default_rng(0).permutation(30)))
    assert set(keep_some(table, 8, "key")["tweet_id"].to_pylist()) == set(
        keep_some(other, 8, "key")["tweet_id"].to_pylist()
    )


def test_each_row_stays_as_often_as_it_says():
    groups = [0, 0, 0, 1, 1, *range(2, 12)]
    times = dict.fromkeys(rows(15)["tweet_id"].to_pylist(), 0)
    weights = dict.fromkeys(times, 0.0)
    for trial in range(4_000):
        kept = keep_some(keep_of_groups(rows(15), groups, 1, f"groups {trial}"), 6, f"some {trial}")
        for id_, chance in zip(kept["tweet_id"].to_pylist(), kept["inclusion_probability"].to_pylist(), strict=True):
            times[id_] += 1
            weights[id_] += 1 / chance
    assert list(weights.values()) == pytest.approx([4_000] * 15, rel=0.1)
    assert times["id0"] / 4_000 == pytest.approx(1 / 3 * 6 / 12, abs=0.03)
