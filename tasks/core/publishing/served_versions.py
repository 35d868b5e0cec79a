"""Which versions of a country Redis holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.redis_connection import Client, open_redis
from tasks.core.publishing.redis_records import decoded, unpack
from tasks.core.publishing.version_state import WHOLE
from tasks.core.round.publishing_section import RedisPlace

NO_STATE = "missing"
"""A version that the list names, but that has no meta hash any more."""


@dataclass(frozen=True)
class ServedVersion:
    """A version that Redis holds, or holds some of."""

    name: str
    state: str
    """It is `loading`, `whole`, `removing` or `missing`."""
    is_current: bool
    """Readers see this version at present."""
    is_previous: bool
    """A rollback would lead to it."""
    models: Mapping[str, str]
    texts: int
    loaded_shards: int
    planned_shards: int
    begun_at: str
    meta: Mapping[str, str]
    """Its whole meta hash."""

    @property
    def standing(self) -> str:
        """What it is to readers, in a word or two."""
        if self.state == "loading":
            return f"half: {self.loaded_shards} of {self.planned_shards} shards"
        if self.state != WHOLE:
            return f"current, but {self.state}" if self.is_current else self.state
        return "current" if self.is_current else "previous" if self.is_previous else self.state


def list_versions(client: Client, keys: CountryKeys) -> list[ServedVersion]:
    """Return the versions of a country, the latest first; also one that the pointer names and that is not there."""
    current = (client.get(keys.current) or b"").decode()
    names = [name.decode() for name in client.zrevrange(keys.versions, 0, -1)]
    names += [current] if current and current not in names else []
    previous = (client.hget(keys.version(current).meta, "took_over_from") or b"").decode() if current else ""
    return [_read(client, keys, name, current, previous) for name in names]


def versions_at(place: RedisPlace, keys: CountryKeys) -> list[ServedVersion]:
    """Return the versions of a country that a Redis holds, the latest first.

    Raises:
        PublishingError, RedisAwayError: Redis refuses, or does not answer.
    """
    with open_redis(place) as client:
        return list_versions(client, keys)


def _read(client: Client, keys: CountryKeys, name: str, current: str, previous: str) -> ServedVersion:
    meta = decoded(client.hgetall(keys.version(name).meta))
    return ServedVersion(
        name=name,
        state=meta.get("state", NO_STATE),
        is_current=name == current,
        is_previous=name == previous,
        models=models_in(meta),
        texts=int(meta.get("texts", 0)),
        loaded_shards=client.hlen(keys.version(name).shards),
        planned_shards=int(meta.get("planned_shards", 0)),
        begun_at=meta.get("begun_at", ""),
        meta=meta,
    )


def labels_in(meta: Mapping[str, str]) -> list[str]:
    """Return the labels that a meta hash names."""
    return [str(label) for label in unpack(meta.get("labels", "[]"))]


def models_in(meta: Mapping[str, str]) -> dict[str, str]:
    """Return each label's registered model and version, as a meta hash names them."""
    return {label: meta[f"model:{label}"] for label in labels_in(meta)}
