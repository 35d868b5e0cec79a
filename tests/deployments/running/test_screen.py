"""Tables are as wide as there is room, and nothing that is printed moves the cursor."""

import pytest

from deployments.running.screen import Screen, fitting

ROWS = [{"label": "positive", "seed": "1", "validation AP": "0.9004"}, {"label": "negative", "seed": "2"}]


@pytest.mark.parametrize(("width", "columns"), [(1, 1), (15, 1), (18, 2), (33, 2), (34, 3), (200, 3)])
def test_as_many_columns_are_shown_as_fit(width, columns):
    assert fitting(ROWS, width) == list(ROWS[0])[:columns]


def test_what_is_left_out_of_a_table_is_said(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    Screen().table([{"label": f"label {number}", "long": "x" * 30, "more": "y"} for number in range(20)])
    said = capsys.readouterr().out
    assert "label 11" in said
    assert "label 12" not in said
    assert "8 more rows and 2 more columns are on the run's page" in said


def test_characters_that_a_terminal_obeys_are_printed_as_escapes(capsys):
    screen = Screen()
    screen.say("a \x1b[31m [bold]line[/bold]")
    screen.table([{"text\x07": "a \x1b]0;owned\x07 cell"}])
    screen.page("# a \x1b[31m page")
    said = capsys.readouterr().out
    assert r"a \x1b[31m [bold]line[/bold]" in said
    assert not {"\x1b", "\x07"} & set(said)
