"""What a file does not show is asked of a person in a terminal; elsewhere the option that says it is named."""

import sys
from collections.abc import Sequence

import typer

from deployments.terminal import say
from tasks.core.base.errors import InputDataError
from tasks.core.base.printable import printable
from tasks.core.base.spelling import nearest

SHOWN_CHOICES = 30


def choose(what: str, choices: Sequence[str], option: str) -> str:
    """Return which of the choices it is.

    Raises:
        InputDataError: nobody can be asked; it names the option that says it.
    """
    shown = ", ".join(choices[:SHOWN_CHOICES]) or "none"
    if not sys.stdin.isatty():
        raise InputDataError(f"{what} cannot be seen from the file. There are: {shown}. Say it with {option}.")
    say(f"{what} cannot be seen from the file. There are: {shown}")
    while (answer := ask(option)) not in choices:
        say(f"There is no '{answer}'.{nearest(answer, choices)}")
    return answer


def ask(option: str) -> str:
    """Return what a person in a terminal says an option should be."""
    return str(typer.prompt(printable(option))).strip()


def given(option: str, value: str | None) -> str:
    """Return an option's value, or what a person in a terminal says that it is.

    Raises:
        InputDataError: it is not given, and nobody can be asked.
    """
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise InputDataError(f"{option} is not given, and there is no terminal to ask in")
    return ask(option)
