"""A sample's files: listed in a fixed order, known by their Parquet footers."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from tasks.core.corpus.columns import check_columns, read_schema
from tasks.core.errors import InputDataError
from tasks.core.round_sections import Sample

SUFFIXES = (".parquet", ".pq")
IGNORED_PREFIXES = (".", "_")
"""Files and folders that other programs leave beside data: `_SUCCESS`, `_temporary`, `.ipynb_checkpoints`."""
FOOTER_TAIL_BYTES = 8
"""A Parquet file ends with the footer's length (4 bytes, little endian) and `PAR1`."""


@dataclass(frozen=True)
class SampleFile:
    """One Parquet file of a sample, from its footer alone."""

    path: str
    name: str
    """Path below the sample's folder: what the fingerprint knows it by."""
    row_groups: tuple[int, ...]
    """Rows of each row group."""
    digest: str
    """sha256 of the file's footer and size."""
    id_type: str

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.row_groups)


def list_sample(sample: Sample) -> list[SampleFile]:
    """List a sample's Parquet files by name.

    Raises:
        InputDataError: no such path, a file that is no whole Parquet file, no rows, a missing column, an id column of
            floats, or ids of several types.
    """
    files = [_describe(path, sample) for path in _paths(sample)]
    if not any(file.rows for file in files):
        raise InputDataError(f"the sample {sample.path} has {len(files)} files and no rows")
    types = {file.id_type: file.path for file in files}
    if len(types) > 1:
        examples = ", ".join(f"{type_} in {path}" for type_, path in types.items())
        raise InputDataError(
            f"the id column '{sample.id_column}' has several types: {examples}. Write all files alike."
        )
    return files


def sample_root(sample: Sample) -> Path:
    """Return the folder that a sample's file names count from."""
    return sample.path if sample.path.is_dir() else sample.path.parent


def file_digest(path: Path) -> str:
    """Return the sha256 of a Parquet file's size and footer, which holds every column chunk's place and extremes."""
    with path.open("rb") as content:
        size = content.seek(-FOOTER_TAIL_BYTES, os.SEEK_END) + FOOTER_TAIL_BYTES
        length = int.from_bytes(content.read(4), "little")
        content.seek(-FOOTER_TAIL_BYTES - length, os.SEEK_END)
        return hashlib.sha256(content.read(length) + str(size).encode()).hexdigest()


def _paths(sample: Sample) -> list[Path]:
    if sample.path.is_file():
        return [sample.path]
    if not sample.path.is_dir():
        raise InputDataError(f"there is no sample at {sample.path}; correct samples in the round file")
    paths = sorted(_walk(sample.path))
    foreign = [str(path) for path in paths if path.suffix.lower() not in SUFFIXES]
    if foreign:
        raise InputDataError(
            f"the sample's folder {sample.path} holds {len(foreign)} files that are not Parquet: {foreign[:3]}. Move "
            f"them away, so that no text is left out unseen; allowed are {', '.join(SUFFIXES)} and names led by _ or ."
        )
    if not paths:
        raise InputDataError(f"the sample's folder {sample.path} holds no .parquet file")
    return paths


def _walk(root: Path) -> Iterator[Path]:
    """Find every file, also behind links, but none that is hidden or that another program left beside the data."""
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(IGNORED_PREFIXES)]
        yield from (Path(folder, name) for name in names if not name.startswith(IGNORED_PREFIXES))


def _describe(path: Path, sample: Sample) -> SampleFile:
    schema = read_schema(path)
    check_columns(path, schema, {"id": sample.id_column, "text": sample.text_column})
    metadata = pq.read_metadata(path)
    return SampleFile(
        path=str(path),
        name=path.relative_to(sample_root(sample)).as_posix(),
        row_groups=tuple(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)),
        digest=file_digest(path),
        id_type=str(schema.field(sample.id_column).type),
    )
