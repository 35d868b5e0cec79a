"""A table for a screen has six columns at most, and what its cells have no room for is said in full above it."""

import pytest

from tasks.core.base.shown_table import LONGEST_CELL, shown_table

SENTENCE = "precision at 20 is 0.85 (0.62 to 0.97), the champion's 0.8 (0.56 to 0.94): a change of +0.05"


def test_a_table_that_fits_is_left_as_it_is():
    rows = [{"verdict": "passes", "variant": "fp32"}, {"verdict": "fails", "variant": "int8"}]
    assert (shown_table(rows).rows, shown_table(rows).notes) == (rows, [])
    assert shown_table([]).rows == []


def test_seven_columns_are_refused():
    with pytest.raises(ValueError, match="a table has 7 columns, c0, c1, "):
        shown_table([{f"c{number}": number for number in range(7)}])


def test_a_column_of_sentences_stands_above_the_table():
    rows = [{"verdict": verdict, "label": "positive", "because": SENTENCE} for verdict in ("falls", "passes")]
    shown = shown_table(rows)
    assert shown.rows == [{"verdict": verdict, "label": "positive"} for verdict in ("falls", "passes")]
    assert shown.notes == [f"{verdict}, positive: {SENTENCE}" for verdict in ("falls", "passes")]
    assert not shown.is_cut_off


def test_a_long_cell_among_short_ones_is_cut_and_said_in_full():
    rows = [{"selected": "winner", "seed": 1, "study": "positive"}, {"selected": f"failed: {SENTENCE}", "seed": 2}]
    shown = shown_table(rows)
    assert shown.rows[0] == rows[0]
    assert len(shown.rows[1]["selected"]) == LONGEST_CELL
    assert shown.notes == [f"2: failed: {SENTENCE}"]


def test_two_columns_have_room_for_a_long_path():
    rows = [{"of the base model": "source", "is": f"/scratch/{'x' * 60}"}]
    assert shown_table(rows).rows == rows


def test_what_names_alone_make_too_wide_is_known_to_be_cut_off():
    assert shown_table([{f"{number}{'x' * 30}": "1" for number in range(6)}]).is_cut_off
