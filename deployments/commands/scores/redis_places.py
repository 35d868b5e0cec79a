"""Which Redis a country's scores are published to: as it is named, or as the country's round files say."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from deployments.commands.round_folders import ROUND_FOLDERS
from tasks.core.base.errors import RoundFileError, WinnowError
from tasks.core.publishing.redis_connection import PASSWORD_VARIABLE, said
from tasks.core.round.publishing_section import RedisPlace
from tasks.core.round.round_file import read_round

SCHEMES = {"redis": False, "rediss": True}
"""A URL of the second of these asks for TLS."""


def find_place(country: str, url: str | None) -> RedisPlace:
    """Return where a country's scores are published to; without a URL its round files say it.

    Raises:
        RoundFileError: the URL is none, no round file says it, or they say several.
    """
    known, unread = _known_places()
    if url is not None:
        named = _place_of_url(url)
        same = [place for places in known.values() for place in places if said(place) == said(named)]
        # TLS that is asked for is not left out, whatever a round file says of the same server.
        return same[0].model_copy(update={"tls": same[0].tls or named.tls}) if same else named
    places = known.get(country, [])
    if len({said(place) for place in places}) == 1:
        return places[0]
    if places:
        raise RoundFileError(
            f"the round files of {country} publish to several servers: {', '.join(map(said, places))}. Say which: "
            "--redis redis://host:port/database"
        )
    there = f"those that have are of {', '.join(sorted(known))}" if known else "no round file there has one"
    there += "".join(f"; {path.name} cannot be read: winnow deploy {path}" for path in unread)
    raise RoundFileError(
        f"no round file of the country '{country}' in {' or '.join(map(str, ROUND_FOLDERS))} has a section "
        f"`publishing`; {there}. Or say where Redis is: --redis redis://host:port/database"
    )


def _known_places() -> tuple[dict[str, list[RedisPlace]], list[Path]]:
    """Return where the round files publish to, by country; and those that cannot be read, which say it of none."""
    found: dict[str, list[RedisPlace]] = {}
    unread = []
    for path in sorted({path.resolve() for folder in ROUND_FOLDERS for path in folder.glob("*.yaml")}):
        if b"publishing" not in path.read_bytes():
            continue
        try:
            round_ = read_round(path)
        except WinnowError:
            unread.append(path)
            continue
        if round_.publishing is not None:
            found.setdefault(round_.country, []).append(round_.publishing.redis)
    return found, unread


def _place_of_url(url: str) -> RedisPlace:
    parts = urlsplit(url)
    if "@" in url and ":" in url.rpartition("@")[0].rpartition("//")[2]:
        raise RoundFileError(
            "a password in the address of Redis could be read by others (ps, history): leave it out, and set "
            f"{PASSWORD_VARIABLE}"
        )
    database = parts.path.strip("/") or "0"
    if parts.scheme not in SCHEMES or not parts.hostname or not database.isdecimal() or not _has_port(parts):
        raise RoundFileError(
            f"{url!r} is no address of a Redis: redis://host:port/database is wanted, or rediss:// for TLS"
        )
    return RedisPlace(
        host=parts.hostname,
        port=parts.port or RedisPlace.model_fields["port"].default,
        database=int(database),
        user=parts.username,
        tls=SCHEMES[parts.scheme],
    )


def _has_port(parts: SplitResult) -> bool:
    """Say whether an address has no port, or one that there can be."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
