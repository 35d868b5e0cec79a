"""A connection to the Redis that scores are published to: its password, TLS, and errors that say what to do."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.core.base.errors import PublishingError, RedisAwayError
from tasks.core.round.publishing_section import RedisPlace

Client = Any
"""A client of redis-py; by its own types each answer is one of many things, or to be awaited."""
PASSWORD_VARIABLE = "WINNOW_PUBLISHING_PASSWORD"  # noqa: S105 - the variable's name
CONNECT_SECONDS = 0.8
READ_SECONDS = 5.0
LOAD_SECONDS = 120.0
"""The server may take so long for one answer: a full disk under its append-only file makes it slow."""
OLDEST = (7, 0)
EVICTS = "allkeys-"
"""Policies that begin so let Redis drop any key when memory is short."""
OTHERS = 0o077


@contextmanager
def open_redis(place: RedisPlace, answer_seconds: float = READ_SECONDS) -> Iterator[Client]:
    """Connect to a Redis server; within the block, what it refuses is said so that a person can act on it.

    Raises:
        RedisAwayError: nothing answers there, or no longer.
        PublishingError: there is no password, it is wrong, or the server refuses what it is asked for.
    """
    with redis_errors_named(said(place)), _client(place, answer_seconds) as client:
        client.ping()
        yield client


def require_fit(client: Client, place: RedisPlace) -> None:
    """Refuse a server that is too old, that may drop published keys by itself, or that answers without a password.

    Raises:
        PublishingError: it is such a server.
    """
    about: dict[str, Any] = client.info("server", "memory")
    version = str(about["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise PublishingError(f"{said(place)} is Redis {version}; publishing needs 7.0 or newer")
    policy = str(about.get("maxmemory_policy", ""))
    if policy.startswith(EVICTS):
        raise PublishingError(
            f"{said(place)} has the maxmemory-policy '{policy}', by which it drops any key when memory is short, and "
            "lookups would miss texts. Set it to noeviction, or use another server."
        )
    _require_locked(place)


def _require_locked(place: RedisPlace) -> None:
    """Refuse a server that answers whoever asks; it takes any password for its own."""
    with _client(place, READ_SECONDS, locked=False) as stranger:
        try:
            stranger.ping()
        except (redis.AuthenticationError, redis.ResponseError):
            return
    raise PublishingError(
        f"{said(place)} answers without a password, so anyone could read and change what is published. Give it one "
        "(requirepass in its configuration, or an ACL), and start it again."
    )


@contextmanager
def redis_errors_named(where: str) -> Iterator[None]:
    """Raise what goes wrong between here and a Redis server as an error that says what to do."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise PublishingError(f"{where} does not accept the password: {error}. {_where_password()}") from None
    except redis.exceptions.OutOfMemoryError as error:
        raise PublishingError(
            f"{where} has reached its maxmemory ({error}). What readers see stays as it was. Remove versions "
            "that are no longer needed (winnow publish prune, with --half for half-loaded ones), or raise maxmemory. "
            "Then publish again, which goes on where it stopped."
        ) from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise RedisAwayError(
            f"{where} does not answer: {error}. See that it runs, and that host, port and tls are right."
        ) from None
    except redis.RedisError as error:
        raise PublishingError(f"{where} refuses: {error}") from error


def said(place: RedisPlace) -> str:
    """Return how errors call a server."""
    return _named(place.host, place.port, place.database)


def said_of(client: Client) -> str:
    """Return how errors call the server of a client."""
    known = client.connection_pool.connection_kwargs
    return _named(known["host"], known["port"], known["db"])


def _named(host: str, port: int, database: int) -> str:
    return f"Redis at {host}:{port}/{database}"


def _client(place: RedisPlace, answer_seconds: float, locked: bool = True) -> Client:
    tls: dict[str, Any] = {"ssl": True, "ssl_ca_certs": place.ca_file and str(place.ca_file)} if place.tls else {}
    return redis.Redis(
        place.host,
        place.port,
        place.database,
        username=place.user if locked else None,
        password=read_password(place) if locked else None,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        **tls,
    )


def read_password(place: RedisPlace) -> str:
    """Return the password, from the environment or else from the place's file.

    Raises:
        PublishingError: there is none, or others may read its file.
    """
    password = os.environ.get(PASSWORD_VARIABLE, "")
    path = place.password_file
    if not password and path is not None:
        if not path.is_file():
            raise PublishingError(f"the password of {said(place)} should stand in {path}, but there is no such file")
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            raise PublishingError(f"{path} holds a password and has mode {mode:04o}; it must be 0600: chmod 600 {path}")
        password = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    if not password:
        raise PublishingError(f"there is no password for {said(place)}. {_where_password()}")
    return password


def _where_password() -> str:
    return (
        f"It is taken from the environment variable {PASSWORD_VARIABLE}, or else from the file that "
        "publishing.redis.password_file names."
    )
