"""Remove versions that nobody needs, at a pace that readers do not notice."""

import time
from collections.abc import Collection, Iterator
from itertools import chain, islice

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import CountryKeys, VersionKeys
from tasks.core.publishing.lua_scripts import CONDEMN
from tasks.core.publishing.redis_connection import Client
from tasks.core.publishing.redis_records import unpack
from tasks.core.publishing.served_versions import ServedVersion, labels_in, list_versions
from tasks.core.publishing.version_state import REMOVING, WHOLE

KEYS_AT_ONCE = 200
SCANNED_AT_ONCE = 1_000


def needless(versions: list[ServedVersion], half: bool = False) -> list[str]:
    """Return which versions can go: neither seen nor the one before; half-loaded ones only where asked for.

    A half-loaded version may be loading at this moment, and goes on where it stopped when it is published again.
    """
    gone = {WHOLE, REMOVING, *(["loading", "missing"] if half else [])}
    kept = (one.is_current or (one.is_previous and one.state == WHOLE) for one in versions)
    return [one.name for one, keep in zip(versions, kept, strict=True) if not keep and one.state in gone]


def prune(
    client: Client,
    keys: CountryKeys,
    keys_a_second: int,
    half: bool = False,
    keep: Collection[str] = (),
) -> dict[str, int]:
    """Remove what can go, but what is to be kept, and return how many keys each removed version had; see `needless`.

    Raises:
        PublishingError: Redis refuses.
    """
    gone = [name for name in needless(list_versions(client, keys), half) if name not in keep]
    return {name: remove(client, keys, name, keys_a_second) for name in gone}


def remove(client: Client, keys: CountryKeys, name: str, keys_a_second: int) -> int:
    """Remove a version, a few keys at a time, and return how many there were; what was begun can be begun again.

    Raises:
        PublishingError: readers see it.
    """
    own = keys.version(name)
    if not client.register_script(CONDEMN)(keys=[keys.current, own.meta], args=[name]):
        raise PublishingError(
            f"readers of {keys.country} see version {name}, so it is not removed. Show them another one first: winnow "
            f"publish rollback --country {keys.country}"
        )
    removed = sum(_unlink(client, batch, keys_a_second) for batch in _batches(_keys_of(client, own)))
    removed += client.unlink(own.shards, own.meta)
    client.zrem(keys.versions, name)
    return int(removed)


def _keys_of(client: Client, own: VersionKeys) -> Iterator[str | bytes]:
    """Yield the keys that the meta hash tells of; without it, they are looked for among all keys of the server."""
    meta = {name: (client.hget(own.meta, name) or b"").decode() for name in ("labels", "parts", "buckets")}
    if not all(meta.values()):
        found: Iterator[bytes] = client.scan_iter(match=f"{own.prefix}*", count=SCANNED_AT_ONCE)
        return found
    parts = (own.of_part(part, int(meta["buckets"])) for part in unpack(meta["parts"]))
    return chain(map(own.best, labels_in(meta)), *parts)


def _batches(names: Iterator[str | bytes]) -> Iterator[list[str | bytes]]:
    while batch := list(islice(names, KEYS_AT_ONCE)):
        yield batch


def _unlink(client: Client, names: list[str | bytes], keys_a_second: int) -> int:
    """Unlink keys, which frees large ones aside, and rest so long that the pace is kept."""
    removed: int = client.unlink(*names)
    time.sleep(len(names) / keys_a_second)
    return removed
