"""The one way from the `winnow` command to a terminal."""

import typer

from tasks.core.base.printable import printable


def say(text: object, err: bool = False, nl: bool = True) -> None:
    """Print a text; its control characters are printed as escapes, whoever wrote them into a text, a name or an id."""
    typer.echo(printable(str(text)), err=err, nl=nl)
