"""Writes of a version as Redis reads them, where redis-py would pack every word anew, with half of all CPU time.

A command is an array of its words, and a word its length and its bytes; an id is packed once for all of its labels.
Each call writes several keys, and none of them unless the version is still the one that was begun.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis

from tasks.core.publishing.lua_scripts import WRITE, sha1_of
from tasks.core.publishing.redis_connection import Client

WORDS_AT_ONCE = 256
"""A call ends behind the key with which it has so many words: while it is carried out, nobody is answered."""
Words = tuple[str, Sequence[bytes]]
"""What a key's name ends with, and what is written there, packed."""


@dataclass(frozen=True)
class Call:
    """A packed call of the script that writes."""

    packed: bytes
    writes: int
    """It writes so many keys."""


def pack_word(word: bytes) -> bytes:
    """Return a word as it is sent."""
    return b"$%d\r\n%b\r\n" % (len(word), word)


def pack_words(words: Sequence[bytes]) -> bytes:
    """Return a command as it is sent; its words are packed already."""
    return b"*%d\r\n%b" % (len(words), b"".join(words))


@dataclass(frozen=True)
class Writer:
    """Packs writes of one version."""

    meta: str
    """The version's meta hash is this key."""
    begun_as: str
    """The version was begun under this word; nothing is written under another."""

    def calls(self, command: str, prefix: str, keys: Iterator[Words]) -> Iterator[Call]:
        """Yield calls that carry out one command, HSET or ZADD, on keys whose names begin alike."""
        said = ["EVALSHA", sha1_of(WRITE), "1", self.meta, self.begun_as, command, prefix]
        head = [pack_word(word.encode()) for word in said]
        words, writes = list(head), 0
        for name, values in keys:
            words += [pack_word(name.encode()), pack_word(b"%d" % len(values)), *values]
            writes += 1
            if len(words) >= WORDS_AT_ONCE:
                yield Call(pack_words(words), writes)
                words, writes = list(head), 0
        if writes:
            yield Call(pack_words(words), writes)


def send_packed(client: Client, calls: Iterator[Call], at_once: int) -> None:
    """Send calls that write about so many keys at a time; none are sent before the last ones are answered.

    Raises:
        redis.RedisError: the server refuses one, or does not answer.
    """
    script = pack_words([pack_word(word.encode()) for word in ("SCRIPT", "LOAD", WRITE)])
    for batch in _batches(calls, at_once):
        connection = client.connection_pool.get_connection()
        try:
            # A server that was restarted since the last ones knows no script.
            connection.send_packed_command([b"".join([script, *batch])])
            _require_answers(connection, 1 + len(batch))
        except BaseException:
            connection.disconnect()  # what it still has to say would be taken for answers to others
            raise
        finally:
            client.connection_pool.release(connection)


def _batches(calls: Iterator[Call], at_once: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    writes = 0
    for call in calls:
        batch.append(call.packed)
        writes += call.writes
        if writes >= at_once:
            yield batch
            batch, writes = [], 0
    if batch:
        yield batch


def _require_answers(connection: "redis.Connection", count: int) -> None:
    for _ in range(count):
        connection.read_response()
