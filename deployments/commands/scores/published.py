"""`winnow lookup`, published scores, from Redis or from a run folder alike; and `winnow publish`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.terminal import say

if TYPE_CHECKING:
    from tasks.core.publishing.redis_connection import Client
    from tasks.core.publishing.score_reader import ScoreReader
    from tasks.core.round.publishing_section import RedisPlace

app = typer.Typer(no_args_is_help=True, help="Which versions of published scores there are, and which readers see.")
CountryOption = Annotated[str, typer.Option(help="whose scores, such as US")]
RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis",
        envvar="WINNOW_PUBLISHING_REDIS",
        help="redis://host:port/database, or rediss:// for TLS  [default: as the country's round files say]",
    ),
]
RunOption = Annotated[Path | None, typer.Option("--run", help="read this run folder, and no Redis")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def register(winnow: typer.Typer) -> None:
    """Add the commands to `winnow`."""
    winnow.command()(lookup)
    winnow.add_typer(app, name="publish")


def lookup(
    id_: Annotated[list[str], typer.Option("--id", help="a text's id; may be given several times")],
    country: Annotated[str, typer.Option(help="whose scores, such as US; a run folder needs none")] = "",
    run: RunOption = None,
    redis: RedisOption = None,
    json: JsonOption = False,
) -> None:
    """Print what is published of texts: each label's score, its model, and the version. Exits with 1 if nothing is."""
    from deployments.commands.scores.published_words import as_json, lookup_lines  # noqa: PLC0415 - reads Parquet

    with open_reader(country, run, redis) as reader:
        answer = reader.lookup_many(id_)
    say(as_json(answer) if json else "\n".join(lookup_lines(answer)))
    raise typer.Exit(0 if any(text.is_known for text in answer.texts) else 1)


@app.command("list")
def list_(country: CountryOption, redis: RedisOption = None) -> None:
    """Say which versions of a country Redis holds, the latest first, and which of them readers see."""
    from deployments.commands.scores.published_words import version_lines  # noqa: PLC0415 - reads Parquet
    from tasks.core.publishing.key_layout import CountryKeys  # noqa: PLC0415
    from tasks.core.publishing.served_versions import list_versions  # noqa: PLC0415

    with _redis(country, redis) as (client, _):
        say("\n".join(version_lines(country, list_versions(client, CountryKeys(country)))))


@app.command("rollback")
def roll_back(country: CountryOption, redis: RedisOption = None) -> None:
    """Show readers the version before the one that they see, at once."""
    from tasks.core.publishing.key_layout import CountryKeys  # noqa: PLC0415
    from tasks.core.publishing.version_state import rollback  # noqa: PLC0415

    with _redis(country, redis) as (client, _):
        now, before = rollback(client, CountryKeys(country))
    say(f"readers of {country} see {now}, and no longer {before}")


@app.command("prune")
def prune_versions(
    country: CountryOption,
    redis: RedisOption = None,
    half: Annotated[bool, typer.Option(help="also half-loaded ones; see that none is loading now")] = False,
    keys_a_second: Annotated[int, typer.Option(min=100, help="the pace, so that readers do not notice")] = 20_000,
) -> None:
    """Remove versions that readers neither see nor would be led to by a rollback, and keys that are of no version."""
    from tasks.core.publishing.key_layout import CountryKeys  # noqa: PLC0415
    from tasks.core.publishing.pruning import prune, sweep  # noqa: PLC0415

    left: list[str] = []
    with _redis(country, redis) as (client, _):
        keys = CountryKeys(country)
        removed = prune(client, keys, keys_a_second, half, left=left.append) | sweep(client, keys, keys_a_second)
    lines = [f"removed {name}: {count} keys" for name, count in removed.items()]
    lines += [f"left {name}: readers see it by now" for name in left]
    say("\n".join(lines) or "nothing was to be removed")


@contextmanager
def open_reader(country: str, run: Path | None, redis: str | None) -> "Iterator[ScoreReader]":
    """Open what answers for a run folder or, where none is named, for the Redis of a country."""
    if run is not None:
        from tasks.core.publishing.run_reader import RunReader  # noqa: PLC0415 - reads Parquet

        yield RunReader(run, country)
        return
    if not country:
        raise typer.BadParameter("which country's scores? --country US; or a run folder: --run PATH")
    from tasks.core.publishing.redis_reader import RedisReader  # noqa: PLC0415

    with _redis(country, redis) as (client, _):
        yield RedisReader(client, country)


@contextmanager
def _redis(country: str, redis: str | None) -> "Iterator[tuple[Client, RedisPlace]]":
    from deployments.commands.scores.redis_places import find_place  # noqa: PLC0415 - reads round files
    from tasks.core.publishing.redis_connection import open_redis  # noqa: PLC0415

    place = find_place(country, redis)
    with open_redis(place) as client:
        yield client, place
