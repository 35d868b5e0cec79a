"""Load shards of a version into Redis: in pipelines that wait for their answers, each shard with a receipt.

A receipt stands in Redis beside the rows, and not in a file: what a restarted server has lost of the one, it has lost
of the other.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import redis

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.lua_scripts import NOT_BEGUN
from tasks.core.publishing.packed_commands import Call, Writer, pack_word, send_packed
from tasks.core.publishing.publication import Publication
from tasks.core.publishing.redis_connection import Client
from tasks.core.publishing.redis_records import pack
from tasks.core.publishing.shard_entries import ShardEntries, shard_entries
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.open_run import open_run
from tasks.core.runs.plan import Plan

BEGUN_AS = "begun_as"
"""Under this word, made by chance, a version was begun; the meta hash loses it before the first key is removed."""
BEST_AT_ONCE = 1_000
"""A command adds so many members to a sorted set at most: while one is carried out, nobody is answered."""


@dataclass(frozen=True)
class ShardReceipt:
    """How many rows of a shard were loaded into each part of a version, and into each label's sorted set."""

    parts: dict[str, int]
    best: dict[str, int]


def receipt_field(run_id: str, number: int) -> str:
    """Return under which name a shard's receipt stands in the version's hash of shards."""
    return f"{run_id}/{number}"


def unloaded_shards(client: Client, publication: Publication) -> list[tuple[str, int]]:
    """Return the shards of a version that have no receipt, by their folder and number."""
    loaded = {name.decode() for name in client.hkeys(publication.keys.shards)}
    ids = dict(zip(publication.folders, publication.run_ids, strict=True))
    return [(path, number) for path, number in publication.shards if receipt_field(ids[path], number) not in loaded]


def load_shards(
    client: Client,
    publication: Publication,
    shards: Sequence[tuple[str, int]],
    done: Callable[[int], None] = lambda _: None,
) -> int:
    """Load shards, each with its receipt last, and return how many rows they have; to load one twice changes nothing.

    `done` is told the rows of each shard when it is loaded.

    Raises:
        PublishingError: a score is no probability, Redis refuses or has no room, or the version was removed meanwhile.
        RedisAwayError: Redis does not answer; what has receipts is kept.
        RunFolderError, InputDataError: files cannot be read.
    """
    opened: dict[str, tuple[Plan, RunFolder]] = {}
    writer = Writer(publication.keys.meta, (client.hget(publication.keys.meta, BEGUN_AS) or b"").decode())
    rows = 0
    for path, number in shards:
        plan, folder = opened[path] if path in opened else opened.setdefault(path, open_run(Path(path)))
        shard = plan.shards[number]
        entries = shard_entries(publication, plan, folder, shard)
        with _removal_named(publication):
            send_packed(client, _calls(writer, publication, entries), publication.settings.commands_at_once)
            send_packed(client, _receipt_call(writer, publication, receipt_field(plan.run_id, number), entries), 1)
        rows += shard.rows
        done(shard.rows)
    return rows


def _calls(writer: Writer, publication: Publication, entries: ShardEntries) -> Iterator[Call]:
    keys = publication.keys
    for part in entries.parts:
        buckets = ((str(bucket), pairs) for bucket, pairs in part.by_bucket())
        yield from writer.calls("HSET", keys.part(part.part), buckets)
    for label, best in entries.best.items():
        starts = range(0, len(best.ids), BEST_AT_ONCE)
        spans = (best.pairs(start, start + BEST_AT_ONCE, values_first=True) for start in starts)
        yield from writer.calls("ZADD", keys.best(label), (("", members) for members in spans))


def _receipt_call(writer: Writer, publication: Publication, field: str, entries: ShardEntries) -> Iterator[Call]:
    words = [pack_word(word.encode()) for word in (field, pack(asdict(_receipt(entries))))]
    return writer.calls("HSET", publication.keys.shards, iter([("", words)]))


def _receipt(entries: ShardEntries) -> ShardReceipt:
    parts = {part.part: len(part.ids) for part in entries.parts}
    return ShardReceipt(parts, {label: len(best.ids) for label, best in entries.best.items()})


@contextmanager
def _removal_named(publication: Publication) -> Iterator[None]:
    try:
        yield
    except redis.ResponseError as error:
        if not str(error).startswith(NOT_BEGUN):
            raise
        raise PublishingError(
            f"version {publication.name} of {publication.country} is not the one that was begun: it was removed since, "
            "or Redis was restarted without what it held. Nothing more of it is loaded. Publish again."
        ) from None
