"""Commands as Redis reads them from the wire, where redis-py would pack every word anew, with half of all CPU time.

A command is an array of its words, and a word its length and its bytes; an id is packed once for all of its labels.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import redis

from tasks.core.publishing.redis_connection import Client


def pack_word(word: bytes) -> bytes:
    """Return a word as it is sent."""
    return b"$%d\r\n%b\r\n" % (len(word), word)


def pack_command(name: str, key: str, words: Sequence[bytes]) -> bytes:
    """Return a command on a key as it is sent; its further words are packed already."""
    return b"*%d\r\n%b%b%b" % (2 + len(words), pack_word(name.encode()), pack_word(key.encode()), b"".join(words))


def send_packed(client: Client, commands: Iterator[bytes], at_once: int) -> None:
    """Send commands, so many at a time; none are sent before the last ones are answered.

    Raises:
        redis.RedisError: the server refuses one, or does not answer.
    """
    pool = client.connection_pool
    while batch := list(islice(commands, at_once)):
        connection = pool.get_connection()
        try:
            connection.send_packed_command([b"".join(batch)])
            _require_answers(connection, len(batch))
        except BaseException:
            connection.disconnect()  # what it still has to say would be taken for answers to others
            raise
        finally:
            pool.release(connection)


def _require_answers(connection: "redis.Connection", count: int) -> None:
    for _ in range(count):
        connection.read_response()
