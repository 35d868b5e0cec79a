"""Where everything lies in Redis. A program or a person that reads by hand needs no more than this page.

w:<country>:current                              string: the version that readers see
w:<country>:versions                             sorted set: every version, by when it was begun (seconds of the epoch)
w:<country>:<version>:meta                       hash: what the version is; see `publication.py`
w:<country>:<version>:shards                     hash: <run id>/<shard> -> how many rows of it were loaded
w:<country>:<version>:score:<label>:<bucket>     hash: id -> score
w:<country>:<version>:stage:<label>:<bucket>     hash: id -> stage, where another than the expert gave or refused it
w:<country>:<version>:column:<name>:<bucket>     hash: id -> what the sample says in that column
w:<country>:<version>:best:<label>               sorted set: ids by score, all from `complete_from:<label>` on

An id's bucket is the number that the first 8 hexadecimal digits of its SHA-1 stand for, modulo `buckets` of the meta
hash. A hash of about 64 entries stays in Redis' compact encoding, and the number of keys is known without a look.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.core.runs.parts import SCORE_COLUMN, STAGE_COLUMN

DIGITS = 8
SCORES, STAGES, COLUMNS = KINDS = (SCORE_COLUMN, STAGE_COLUMN, "column")
"""What is kept in buckets is of one of these kinds."""


@dataclass(frozen=True)
class CountryKeys:
    """The keys that all versions of a country share."""

    country: str

    @property
    def prefix(self) -> str:
        """What each key of the country begins with."""
        return f"w:{self.country}:"

    @property
    def current(self) -> str:
        """The pointer: which version readers see."""
        return f"{self.prefix}current"

    @property
    def versions(self) -> str:
        """All versions, by when they were begun."""
        return f"{self.prefix}versions"

    def version(self, name: str) -> "VersionKeys":
        """Return the keys of a version."""
        return VersionKeys(f"{self.prefix}{name}:")


@dataclass(frozen=True)
class VersionKeys:
    """The keys of one version."""

    prefix: str

    @property
    def meta(self) -> str:
        """What the version is."""
        return f"{self.prefix}meta"

    @property
    def shards(self) -> str:
        """Which shards were loaded, and how many rows of each."""
        return f"{self.prefix}shards"

    def best(self, label: str) -> str:
        """Return the key of the best ids of a label, by score."""
        return f"{self.prefix}best:{label}"

    def part(self, part: str) -> str:
        """Return what the keys of all buckets of a part, such as `score:positive`, begin with."""
        return f"{self.prefix}{part}:"

    def bucket(self, part: str, number: int) -> str:
        """Return the key of a bucket of a part."""
        return f"{self.part(part)}{number}"

    def of_part(self, part: str, buckets: int) -> Iterator[str]:
        """Yield the keys of all buckets of a part."""
        return (self.bucket(part, number) for number in range(buckets))


def bucket_of(id_: bytes, buckets: int) -> int:
    """Return the bucket of an id."""
    return int(hashlib.sha1(id_, usedforsecurity=False).hexdigest()[:DIGITS], 16) % buckets


def bucket_count(rows: int, texts_a_bucket: int) -> int:
    """Return how many buckets hold so many rows."""
    return max(1, -(-rows // texts_a_bucket))


def score_part(label: str) -> str:
    """Return the part of a version that holds a label's scores."""
    return f"{SCORES}:{label}"


def stage_part(label: str) -> str:
    """Return the part that holds the stages by which a label's texts were not simply scored."""
    return f"{STAGES}:{label}"


def column_part(name: str) -> str:
    """Return the part that holds a column of the sample."""
    return f"{COLUMNS}:{name}"


def version_parts(labels: Sequence[str], stage: bool, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a version that are kept in buckets."""
    stages = [stage_part(label) for label in labels] if stage else []
    return (*map(score_part, labels), *stages, *map(column_part, columns))
