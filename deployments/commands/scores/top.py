"""`winnow top`: the best texts of a run folder or a round, with their texts; or what is published of a country."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.commands.scores.published import RedisOption, RunOption, open_reader
from deployments.terminal import say

if TYPE_CHECKING:
    from tasks.core.publishing.score_reader import Answer

LISTED = 50
LISTED_ON_PAGE = 500


def top(  # noqa: PLR0913, PLR0917 - a question, where it is asked, and how it is answered
    where: Annotated[
        str | None,
        typer.Argument(metavar="RUN_FOLDER|ROUND", help="a run folder; or a round, for its latest run"),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="whose best texts; may be given several times  [default: all labels]")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", help="so many texts of a label  [default: 50; 500 on a page]")
    ] = None,
    least: Annotated[float, typer.Option("--min", help="the least score, 0 to 1")] = 0.0,
    sample: Annotated[str | None, typer.Option(help="of a round, its run of this sample  [default: latest]")] = None,
    run_name: Annotated[str | None, typer.Option(help="of a round, the run of this name  [default: main]")] = None,
    full: Annotated[bool, typer.Option("--full", help="print whole texts, however wide the terminal is")] = False,
    csv: Annotated[Path | None, typer.Option(help="write them as CSV, whole, into this new file")] = None,
    page: Annotated[Path | None, typer.Option(help="write them as a page to browse, into this new file")] = None,
    country: Annotated[str, typer.Option(help="what is published of this country, such as US: ids and scores")] = "",
    redis: RedisOption = None,
    run: RunOption = None,
    json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print the best texts of labels, best first, with rank, score and what people said of them.

    They are read from a run folder or a round's latest run, and need no server. With --country they are what Redis
    says, and with --run what it would say of a run folder: ids and scores of one label.
    """
    files = {"--sample": sample, "--run-name": run_name, "--full": full, "--csv": csv, "--page": page}
    if where is None:
        _refuse(files, "is of a run's own texts: name a run folder or a round first, such as `winnow top us-iter0`")
        if not country and run is None:
            raise typer.BadParameter("whose? A run folder or a round, such as `winnow top us-iter0`; or --country US")
        one = _one_label(label)
        with open_reader(country, run, redis) as reader:
            say(_published(reader.top(one, least, LISTED if limit is None else limit), one, json))
        return
    _refuse({"--country": country, "--run": run}, f"asks for what is published: leave it out, or leave out {where}")
    from deployments.commands.scores.ranked_answers import AnswerWay, RankedQuestion, answer_lines  # noqa: PLC0415 - reads Parquet

    number = limit if limit is not None else LISTED_ON_PAGE if page else LISTED
    asked = RankedQuestion(where, tuple(label or ()), number, least, sample, run_name)
    for line in answer_lines(asked, AnswerWay(full, csv, page, json)):
        say(line)


def _published(found: "Answer", label: str, json: bool) -> str:
    from deployments.commands.scores.published_words import as_json, top_lines  # noqa: PLC0415 - reads Parquet

    return as_json(found) if json else "\n".join(top_lines(found, label))


def _one_label(label: list[str] | None) -> str:
    if label is None or len(label) != 1:
        raise typer.BadParameter("of what is published, one label is listed: --label positive")
    return label[0]


def _refuse(options: Mapping[str, object], why: str) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise typer.BadParameter(f"{' and '.join(given)} {why}")
