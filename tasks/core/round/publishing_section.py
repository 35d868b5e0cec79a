"""The publishing section of a round file: which scores go to Redis, where it is, and what stands beside the scores."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tasks.core.round.sections import Name, Settings

Count = Annotated[int, Field(ge=1)]


class RedisPlace(Settings):
    """The Redis server that scores are published to; its password never stands here."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Redis answers at this name or address, also when asked by workers on other machines."""
    port: int = Field(default=6379, ge=1, le=65535)
    """Redis answers at this port."""
    database: int = Field(default=2, ge=0)
    """Scores go into the database of this number; where Redis is the stack's, Prefect has the databases 0 and 1."""
    user: str | None = None
    """Redis knows the loader by this name; null takes Redis' default user."""
    password_file: Path | None = None
    """The password is the first line of this file, which only its owner may read; null takes it from the environment
    variable WINNOW_PUBLISHING_PASSWORD, which is also asked first."""
    tls: bool = False
    """Redis is spoken to by TLS, and its certificate is checked."""
    ca_file: Path | None = None
    """Certificates are checked by the authorities in this file; null takes those that the machine trusts."""


class Publishing(Settings):
    """Scores go to Redis under a version of their own, which readers see at once when all of it is there."""

    redis: RedisPlace = RedisPlace()
    """Scores are published to the Redis server that this section describes."""
    samples: tuple[Name, ...] | None = None
    """Scores of these samples are published, as one version; null takes `new_samples` where there is one, and else
    `evaluation`."""
    top: Count = 10_000
    """So many of a label's best texts stand in its sorted set, by score."""
    above_threshold: bool = True
    """Whatever scores at least a label's calibrated threshold stands in its sorted set, too, where the label's model
    is calibrated."""
    best_at_most: Count = 5_000_000
    """A label's sorted set holds about so many texts at most, however many lie above the threshold: it takes more
    memory than the scores do."""
    stage: bool = False
    """A screened run's stages are published, too: which of them gave a text its score, or refused it one."""
    columns: tuple[str, ...] = ()
    """These columns of the sample are published beside the scores, such as its text column."""
    only_released: bool = True
    """Readers see a version only when each of its models is champion, that is, has passed the release gate; false
    shows it as soon as it is loaded."""
    texts_a_bucket: int = Field(default=64, ge=1, le=128)
    """So many texts share a hash on average; up to 128, Redis keeps hashes in their compact encoding."""
    commands_at_once: int = Field(default=10_000, ge=1, le=100_000)
    """A loader sends so many commands to Redis before it waits for the answers."""
    removed_keys_a_second: int = Field(default=20_000, ge=100)
    """Versions that are no longer needed are removed at this pace, so that readers do not notice."""
