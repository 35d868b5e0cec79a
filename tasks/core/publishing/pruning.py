"""Remove versions that nobody needs, at a pace that readers do not notice."""

import time
from collections.abc import Callable, Collection, Iterator
from itertools import chain, islice

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import CountryKeys, VersionKeys
from tasks.core.publishing.lua_scripts import CONDEMN, UNLINK
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
    left: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:
    """Remove what can go, but what is to be kept, and return how many keys each removed version had; see `needless`.

    `left` is told of each version that readers were shown meanwhile: it stays.
    """
    removed = {}
    for name in needless(list_versions(client, keys), half):
        if name in keep:
            continue
        if _condemn(client, keys, name):
            removed[name] = _empty(client, keys, name, keys_a_second)
        else:
            left(name)
    return removed


def sweep(client: Client, keys: CountryKeys, keys_a_second: int) -> dict[str, int]:
    """Remove the keys of versions that no list names, and return how many each had; looks at all keys of the server.

    Loaders of earlier versions of Winnow left such keys when what they loaded was removed meanwhile.
    """
    names = {rest.partition(":")[0] for rest in _below(client, keys.prefix) if ":" in rest}
    condemned = (name for name in sorted(names) if _condemn(client, keys, name, "unlisted"))
    return {name: _empty(client, keys, name, keys_a_second) for name in condemned}


def remove(client: Client, keys: CountryKeys, name: str, keys_a_second: int) -> int:
    """Remove a version, a few keys at a time, and return how many there were; what was begun can be begun again.

    Raises:
        PublishingError: readers see it.
    """
    if not _condemn(client, keys, name):
        raise PublishingError(
            f"readers of {keys.country} see version {name}, so it is not removed. Show them another one first: winnow "
            f"publish rollback --country {keys.country}"
        )
    return _empty(client, keys, name, keys_a_second)


def _condemn(client: Client, keys: CountryKeys, name: str, meant: str = "listed") -> bool:
    """Take a version out of use, in one step, unless readers see it, or it is listed and unlisted ones are meant."""
    names = [keys.current, keys.version(name).meta, keys.versions]
    return bool(client.register_script(CONDEMN)(keys=names, args=[name, meant]))


def finish_removal(client: Client, keys: CountryKeys, name: str, keys_a_second: int) -> None:
    """Remove what is left of a version whose removal was begun; another one is left as it is."""
    if client.hget(keys.version(name).meta, "state") == REMOVING.encode():
        _empty(client, keys, name, keys_a_second)


def _empty(client: Client, keys: CountryKeys, name: str, keys_a_second: int) -> int:
    """Unlink the keys of a version that is out of use, and return how many; the list names it until all are gone.

    Nothing is unlinked any more once the version was begun anew, by who finished the removal meanwhile.
    """
    own, removed = keys.version(name), 0
    unlink = client.register_script(UNLINK)
    for batch in _batches(_keys_of(client, own)):
        gone = int(unlink(keys=[own.meta, *batch]))
        if gone < 0:
            return removed
        removed += gone
        time.sleep(len(batch) / keys_a_second)
    return removed + max(0, int(unlink(keys=[own.meta], args=[keys.versions, name, own.shards])))


def _below(client: Client, prefix: str) -> Iterator[str]:
    """Yield what the names of all keys that begin so go on with."""
    found: Iterator[bytes] = client.scan_iter(match=f"{prefix}*", count=SCANNED_AT_ONCE)
    return (key.decode(errors="replace").removeprefix(prefix) for key in found)


def _keys_of(client: Client, own: VersionKeys) -> Iterator[str | bytes]:
    """Yield the keys that the meta hash tells of; without it, they are looked for among all keys of the server."""
    meta = {name: (client.hget(own.meta, name) or b"").decode() for name in ("labels", "parts", "buckets")}
    if not all(meta.values()):
        found: Iterator[bytes] = client.scan_iter(match=f"{own.prefix}*", count=SCANNED_AT_ONCE)
        return (key for key in found if key != own.meta.encode())
    parts = (own.of_part(part, int(meta["buckets"])) for part in unpack(meta["parts"]))
    return chain(map(own.best, labels_in(meta)), *parts)


def _batches(names: Iterator[str | bytes]) -> Iterator[list[str | bytes]]:
    while batch := list(islice(names, KEYS_AT_ONCE)):
        yield batch
