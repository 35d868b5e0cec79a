"""`winnow init`: a round file from one's own files, for a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.terminal import say
from infra.services.settings import read_settings
from tasks.core.round.sections import Head


def init(  # noqa: PLR0913, PLR0917 - an option for each thing that a file may not show
    round_: Annotated[str, typer.Argument(metavar="ROUND", help="country, iteration and perhaps method: gb-iter0")],
    data: Annotated[str | None, typer.Option(help="labelled data: a Parquet, CSV or TSV file")] = None,
    sample: Annotated[str | None, typer.Option(help="texts to score: a file, a folder or a glob")] = None,
    id_column: Annotated[str | None, typer.Option(help="of the labelled data; none: it has no ids")] = None,
    text_column: Annotated[str | None, typer.Option(help="of the labelled data")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="a label, or NAME=COLUMN, or NAME=CLASS; may be repeated")
    ] = None,
    label_column: Annotated[str | None, typer.Option(help="one column holds the class of each row")] = None,
    split_column: Annotated[str | None, typer.Option(help="says train, validation or test")] = None,
    sample_id_column: Annotated[str | None, typer.Option(help="as the labelled data's, if it is there")] = None,
    sample_text_column: Annotated[str | None, typer.Option(help="as the labelled data's, if it is there")] = None,
    head: Annotated[Head | None, typer.Option(help="how many models: one a label, or one for all")] = None,
    base_model: Annotated[str | None, typer.Option(help="a folder or a hub id  [default: the demo's]")] = None,
    out: Annotated[
        Path | None, typer.Option(help="the file, or its folder  [default: deployments/rounds, or this folder]")
    ] = None,
) -> None:
    """Write a round file for one's own data, and say what it assumes; needs no server.

    What the files do not show is asked in a terminal; elsewhere the option that says it is named.
    """
    from deployments.beginning.begin_round import Said, begin_round, path_of  # noqa: PLC0415 - reads data
    from deployments.beginning.question import given  # noqa: PLC0415

    path = path_of(round_, out)
    said = Said(
        Path(given("--data", data)).expanduser(),
        Path(given("--sample", sample)).expanduser(),
        id_column,
        text_column,
        sample_id_column,
        sample_text_column,
        tuple(label or ()),
        label_column,
        split_column,
        head,
        base_model,
    )
    begun = begin_round(round_, path, said, read_settings().home)
    say(f"wrote {begun.path}. It assumes:")
    for line in begun.assumed:
        say(f"  {line}")
    say("Correct what is wrong in it, or delete it and say so by the options above. Then, with `make up` done:")
    for command in ("deploy", "run round", "top"):
        say(f"  winnow {command} {begun.path}")
