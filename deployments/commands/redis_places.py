"""Which Redis a country's scores are published to: as it is named, or as the country's round files say."""

from urllib.parse import urlsplit

from deployments.commands.round_folders import ROUND_FOLDERS
from tasks.core.base.errors import RoundFileError
from tasks.core.base.yaml_files import read_yaml
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
    known = _known_places()
    if url is not None:
        named = _place_of_url(url)
        same = [place for places in known.values() for place in places if said(place) == said(named)]
        return same[0] if same else named
    places = known.get(country, [])
    if len({said(place) for place in places}) == 1:
        return places[0]
    if places:
        raise RoundFileError(
            f"the round files of {country} publish to several servers: {', '.join(map(said, places))}. Say which: "
            "--redis redis://host:port/database"
        )
    there = f"those that have are of {', '.join(sorted(known))}" if known else "no round file there has one"
    raise RoundFileError(
        f"no round file of the country '{country}' in {' or '.join(map(str, ROUND_FOLDERS))} has a section "
        f"`publishing`; {there}. Or say where Redis is: --redis redis://host:port/database"
    )


def _known_places() -> dict[str, list[RedisPlace]]:
    """Return where the round files publish to, by country; files that cannot be read are none of these."""
    found: dict[str, list[RedisPlace]] = {}
    for path in sorted({path.resolve() for folder in ROUND_FOLDERS for path in folder.glob("*.yaml")}):
        if "publishing" not in path.read_text(encoding="utf-8"):
            continue
        content = read_yaml(path)
        section = read_round(path).publishing if isinstance(content, dict) and content.get("publishing") else None
        if section is not None:
            found.setdefault(content["country"], []).append(section.redis)
    return found


def _place_of_url(url: str) -> RedisPlace:
    parts = urlsplit(url)
    if parts.password:
        raise RoundFileError(
            "a password in the address of Redis could be read by others (ps, history): leave it out, and set "
            f"{PASSWORD_VARIABLE}"
        )
    database = parts.path.strip("/") or "0"
    if parts.scheme not in SCHEMES or not parts.hostname or not database.isdecimal():
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
