"""A snapshot of labels: what labellers' answers came to, fixed under a version and a digest, for training to add.

v0001-<digest>/labels.parquet   tweet_id, text, and a column target_<label> a label: 1, 0 or null
v0001-<digest>/snapshot.json    written last
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from tasks.core.base.errors import InputDataError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.formats import FileFormat, read_record
from tasks.core.base.naming.file_names import SNAPSHOT_FILE, SNAPSHOT_LABELS_FILE
from tasks.core.base.parquet import read_parquet


@dataclass(frozen=True)
class LabelSnapshot:
    """What `snapshot.json` says."""

    round_name: str
    version: int
    digest: str
    """The fingerprint of ids, texts and labels."""
    sha256: str
    """The file of labels has this checksum."""
    batches: dict[str, dict[str, Any]]
    """For each batch, the rule its answers were decided by, and the annotators that were left out."""
    labels: dict[str, dict[str, int]]
    """Each label has so many texts of which it is true, and so many of which it is not."""
    undecided: dict[str, dict[str, int]]
    """Each label has so many texts without a target, by the reason why."""


SNAPSHOT = FileFormat(
    kind="snapshot of labels",
    number=1,
    schema=LabelSnapshot,
    remedy="Move its folder away, and make it again with `winnow next`",
    check=TypeAdapter(LabelSnapshot).validate_python,
)


def read_about(folder: Path) -> LabelSnapshot:
    """Return what a snapshot says of itself.

    Raises:
        InputDataError: there is none.
        TornRecordError: it is torn or altered.
    """
    try:
        return LabelSnapshot(**read_record(folder / SNAPSHOT_FILE, SNAPSHOT))
    except FileNotFoundError:
        raise InputDataError(
            f"there is no snapshot of labels at {folder}; correct labelled_data.added in the round file, or take it out"
        ) from None


def read_snapshot(folder: Path) -> pa.Table:
    """Return the labels of a snapshot.

    Raises:
        InputDataError: there is none.
        TornRecordError: it is torn or altered.
    """
    about, path = read_about(folder), folder / SNAPSHOT_LABELS_FILE
    if not path.is_file() or sha256_of_file(path) != about.sha256:
        raise TornRecordError(f"{path} is not what {SNAPSHOT_FILE} was written for. {SNAPSHOT.remedy}.")
    return read_parquet(path)
