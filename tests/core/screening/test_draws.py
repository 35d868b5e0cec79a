"""A row's draw follows from its id and the key alone."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.screening.draws import AUDIT, CALIBRATE, CHOOSE, FIT, NAMES, NO_DRAW, Draws, id_texts, places

KNOWN = [0.11643447520644079, 0.8899702889270785]
DRAWS = Draws("us-iter0", fit=0.2, choose=0.05, audit=0.1, calibrate=0.3)
IDS = pa.array(range(10**17, 10**17 + 20_000), pa.int64())


def test_draws_are_disjoint_and_as_large_as_asked():
    found = DRAWS.of(IDS)
    for number, share in enumerate(DRAWS.shares):
        assert abs((found == number).mean() - share) < 4 * np.sqrt(share / len(IDS))
    assert set(found) == {*range(len(NAMES)), NO_DRAW}
    assert NAMES == (FIT, CHOOSE, AUDIT, CALIBRATE)


def test_order_shards_and_types_change_nothing():
    found = DRAWS.of(IDS)
    order = np.random.default_rng(0).permutation(len(IDS))
    assert (DRAWS.of(IDS.take(pa.array(order))) == found[order]).all()
    shards = [DRAWS.of(IDS.slice(begin, 3_000)) for begin in range(0, len(IDS), 3_000)]
    assert (np.concatenate(shards) == found).all()
    for other in (IDS.cast(pa.string()), IDS.cast(pa.large_string()), IDS.cast(pa.string()).dictionary_encode()):
        assert (DRAWS.of(other) == found).all()
    assert (DRAWS.of(pa.chunked_array([IDS.slice(0, 7), IDS.slice(7)])) == found).all()


def test_integers_of_all_types_are_their_digits():
    for type_ in (pa.int8(), pa.int32(), pa.uint64(), pa.int64()):
        assert id_texts(pa.array([7, 12], type_)) == [b"7", b"12"]
    assert id_texts(pa.array(["7", "ü", "007"], pa.string_view())) == [b"7", "ü".encode(), b"007"]


def test_the_draws_of_known_ids_stay_what_they_are():
    """Draws of a run that is resumed with a later version are the same."""
    assert places(pa.array([1, 2]), "key").tolist() == KNOWN


def test_another_key_draws_others_independently():
    one, other = DRAWS.of(IDS) == 3, replace(DRAWS, key="us-iter1").of(IDS) == 3
    assert abs((one & other).mean() - 0.09) < 0.01


def test_a_draw_that_grows_keeps_its_rows_and_leaves_the_others():
    before, after = DRAWS.of(IDS), replace(DRAWS, calibrate=0.5).of(IDS)
    assert (after[before != NO_DRAW] == before[before != NO_DRAW]).all()
    assert set(after[before == NO_DRAW]) == {NO_DRAW, NAMES.index(CALIBRATE)}


@pytest.mark.parametrize("shares", [(0.5, 0.2, 0.2, 0.2), (-0.1, 0.1, 0.1, 0.1)])
def test_draws_that_are_no_shares_of_a_pool_are_refused(shares):
    with pytest.raises(InputDataError, match="shares of a pool"):
        Draws("key", *shares)


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        (pa.array([1, None]), "1 of 2 rows have no id"),
        (pa.array([1.5]), "ids of type double"),
        (pa.array([True]), "ids of type bool"),
    ],
)
def test_rows_without_an_id_cannot_be_drawn(ids, problem):
    with pytest.raises(InputDataError, match=problem):
        DRAWS.of(ids)


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_key_must_be_there_and_fit(key):
    with pytest.raises(InputDataError, match="must have 1 to 64 bytes"):
        places(IDS, key)
