"""What an attacker's text would do to a terminal, it does not."""

import pytest

from infra.errors import ClusterError
from tasks.core.base.errors import InputDataError
from tasks.core.base.printable import on_one_line, printable

NASTY = "\x1b]0;owned\x07\x1b[2J\r\x08\x7f\x9b31m\u202e\udcff"


def test_no_control_character_is_left_and_letters_of_all_scripts_are():
    shown = printable(f"¡olé! 日本 😀 a\tb\n{NASTY}")
    assert shown.startswith("¡olé! 日本 😀 a\tb\n")
    assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert r"\x1b]0;owned\x07" in shown
    assert on_one_line("a\tb\n") == r"a\tb\n"


@pytest.mark.parametrize("error", [InputDataError, ClusterError])
def test_an_errors_message_holds_none(error):
    assert str(error(f"no such file: {NASTY}.csv\nnext line")).isprintable() is False  # for the line break alone
    assert str(error(f"no such file: {NASTY}.csv")).isprintable()
    assert error(NASTY).args == (NASTY,)
