"""The life of a version: begun, loaded, counted, seen by readers, and perhaps seen no longer."""

import time
import uuid
from collections import Counter

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.load_shards import BEGUN_AS, unloaded_shards
from tasks.core.publishing.lua_scripts import BEGIN, COUNT, ROLLBACK, SWITCH, WHOLE_NOW
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.redis_connection import Client
from tasks.core.publishing.redis_records import LAYOUT, pack, unpack

LOADING, WHOLE, REMOVING = "loading", "whole", "removing"
BUCKETS_AT_ONCE = 2_000
"""So many buckets are counted in one step, in which Redis answers nobody else: less than a millisecond."""


def begin(client: Client, publication: Publication) -> str:
    """Enter a version, unless it is there already, and return its state.

    Raises:
        PublishingError: it is being removed.
    """
    names = [publication.keys.meta, publication.country_keys.versions]
    fields = [word for field in _told(publication).items() for word in field]
    said = client.register_script(BEGIN)(keys=names, args=[publication.name, time.time(), *fields])
    state = str(said.decode())
    if state == REMOVING:
        raise PublishingError(
            f"version {publication.name} of {publication.country} is being removed. Finish that (winnow publish prune "
            f"--country {publication.country}), then publish again."
        )
    return state


def _told(publication: Publication) -> dict[str, str]:
    texts = {
        "layout": str(LAYOUT),
        "state": LOADING,
        BEGUN_AS: uuid.uuid4().hex,
        "labels": pack(publication.labels),
        "parts": pack(publication.parts),
        "runs": pack(publication.run_ids),
        "buckets": str(publication.buckets),
        "texts": str(publication.rows),
        "planned_shards": str(len(publication.shards)),
        "digest": publication.digest,
        "settings": publication.settings.model_dump_json(exclude={"redis"}),
        "begun_at": _now(),
    }
    texts |= {f"model:{label}": model for label, model in publication.models.items()}
    texts |= {f"threshold:{label}": repr(score) for label, score in publication.thresholds.items()}
    return texts | {f"complete_from:{label}": repr(score) for label, score in publication.complete_from.items()}


def verify_counts(client: Client, publication: Publication) -> dict[str, int]:
    """Count what Redis holds of a version, compare it with what was loaded, and call it whole.

    Returns how many entries each part and, as `best:<label>`, each sorted set has.

    Raises:
        PublishingError: shards were never loaded, Redis holds more or less than was loaded of them, or it no longer
            knows the version.
    """
    left = unloaded_shards(client, publication)
    if left:
        raise PublishingError(
            f"{len(left)} of {len(publication.shards)} shards of version {publication.name} are not loaded. Publish "
            "again: the others are kept."
        )
    expected, found = _loaded(client, publication), count_entries(client, publication)
    wrong = [f"{name}: {expected[name]} loaded, {found[name]} there" for name in found if found[name] != expected[name]]
    if wrong:
        client.delete(publication.keys.shards)
        seen = "Readers see it as it is" if is_seen(client, publication) else "Readers do not see it"
        raise PublishingError(
            f"Redis does not hold what was loaded of version {publication.name}: {'; '.join(wrong)}. {seen}. Fewer are "
            "there when the server lost some. Publish again: all shards are loaded anew."
        )
    _call_whole(client, publication)
    return found


def _call_whole(client: Client, publication: Publication) -> None:
    """Call a version whole, unless Redis lost what it is, or it is being removed, since it was begun."""
    names = [publication.keys.meta, publication.country_keys.versions]
    if not client.register_script(WHOLE_NOW)(keys=names, args=[publication.name, _now(), time.time()]):
        raise PublishingError(
            f"version {publication.name} of {publication.country} is loaded, but Redis no longer knows it: it was "
            "restarted without what it held, or the version is being removed. Readers do not see it. Publish again: "
            "what has receipts is kept."
        )


def _loaded(client: Client, publication: Publication) -> Counter[str]:
    """Return the sums over all shards' receipts."""
    sums: Counter[str] = Counter()
    for _, value in client.hscan_iter(publication.keys.shards, count=1_000):
        receipt = unpack(value)
        sums.update(receipt["parts"])
        sums.update({f"best:{label}": rows for label, rows in receipt["best"].items()})
    return sums


def count_entries(client: Client, publication: Publication) -> dict[str, int]:
    """Return how many entries Redis holds of each part and sorted set of a version."""
    script = client.register_script(COUNT)
    found = {}
    for part in publication.parts:
        prefix = publication.keys.part(part)
        starts = range(0, publication.buckets, BUCKETS_AT_ONCE)
        ends = (min(start + BUCKETS_AT_ONCE, publication.buckets) for start in starts)
        found[part] = sum(int(script(args=[prefix, *span])) for span in zip(starts, ends, strict=True))
    best = {f"best:{label}": client.zcard(publication.keys.best(label)) for label in publication.labels}
    return found | best


def switch(client: Client, keys: CountryKeys, name: str) -> None:
    """Show readers a version, in one step.

    Raises:
        PublishingError: the version is not whole.
    """
    script = client.register_script(SWITCH)
    if not script(keys=[keys.current, keys.version(name).meta], args=[name]):
        raise PublishingError(
            f"version {name} of {keys.country} is not whole, so readers are not shown it: it was never loaded to its "
            f"end, or is being removed. What there is: winnow publish list --country {keys.country}"
        )


def rollback(client: Client, keys: CountryKeys) -> tuple[str, str]:
    """Show readers the version before the one that they see, in one step; return its name, and the one left.

    Raises:
        PublishingError: there is none, or it was removed.
    """
    said, *names = (word.decode() for word in client.register_script(ROLLBACK)([keys.current], [keys.prefix]))
    if said == "none":
        raise PublishingError(f"nothing of {keys.country} is published, so there is nothing to go back from")
    if said == "first":
        raise PublishingError(
            f"{names[0]} took the place of no other version of {keys.country}, so there is none before"
        )
    if said == "missing":
        raise PublishingError(
            f"version {names[0]} of {keys.country}, which came before, was removed. Publish its run folders again."
        )
    return names[0], names[1]


def is_seen(client: Client, publication: Publication) -> bool:
    """Say whether readers see a version."""
    current: bytes | None = client.get(publication.country_keys.current)
    return current is not None and current.decode() == publication.name


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
