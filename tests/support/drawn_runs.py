"""Draw samples and ways to cut them, and faults that befall a run: for the property test of row accounting."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from tasks.core.corpus.logical_types import is_blank

Row = tuple[Any, bytes | None]

NOT_UTF8 = (b"\xff\xfe good", b"caf\xe9")
TEXTS = (
    *(b"good word%d bad" % number for number in range(6)),
    *(b"word%d " % number * (number + 1) for number in range(4)),
    "é 日本 😀".encode(),
    b"",
    b" \n",
    b"word9 " * 90,
)
WRITES_OF_A_SHARD = 20
"""More calls than a shard makes to put its files to disk: beyond them, it is not killed."""


@dataclass(frozen=True)
class Drawn:
    """A sample, how it is cut, and what happens to its run."""

    files: list[list[Row]]
    id_type: pa.DataType
    row_group_rows: int
    shard_rows: int
    other_shard_rows: int
    limit: int | None
    faults: list[tuple[Any, ...]]
    late_faults: list[tuple[Any, ...]]
    """After the manifest was written."""

    def rows(self) -> list[Row]:
        """Return the rows that are to be scored, in their order."""
        return [row for file in self.files for row in file][: self.limit]

    def write(self, folder: Path) -> Path:
        """Write the sample's files."""
        folder.mkdir(parents=True)
        for number, rows in enumerate(self.files):
            ids = pa.array([id_ for id_, _ in rows], self.id_type)
            texts = pa.array([text for _, text in rows], pa.binary()).cast(pa.string(), safe=False)
            table = pa.table({"tweet_id": ids, "text": texts})
            pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=self.row_group_rows)
        return folder


def known_id(id_: Any) -> Any:
    """Return a row's id, None in place of one that is blank: that is no id."""
    return None if is_blank(id_) else id_


def is_scorable(row: Row) -> bool:
    """Say whether a row has an id and a text that is UTF-8."""
    id_, text = row
    return not is_blank(id_) and text is not None and text not in NOT_UTF8


def _files(ids: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[Row]]]:
    rows = st.tuples(st.none() | ids, st.none() | st.sampled_from(TEXTS) | st.sampled_from(NOT_UTF8))
    return st.lists(st.lists(rows, max_size=25), min_size=1, max_size=4).filter(any)


INTEGERS = st.sampled_from([2**63 - 1, 2**63 - 2, -(2**63), 0, 2**53 + 1]) | st.integers(0, 40)
WORDS = st.sampled_from(["", "007", "7", "amazon-1_é"]) | st.integers(0, 40).map(str)
FAULTS = st.one_of(
    st.tuples(st.just("score"), st.integers(0, 99)),
    st.tuples(st.just("kill"), st.integers(0, 99), st.integers(1, WRITES_OF_A_SHARD)),
    st.tuples(st.just("tear"), st.integers(0, 99), st.floats(0, 1, exclude_max=True)),
    st.tuples(st.just("delete"), st.integers(0, 99)),
    st.tuples(st.just("alter"), st.integers(0, 99), st.floats(0, 1, exclude_max=True)),
)


@st.composite
def drawn_runs(draw: st.DrawFn) -> Drawn:
    """Draw a run; ids and texts come from small pools, so that they repeat."""
    id_type, ids = draw(st.sampled_from([(pa.int64(), INTEGERS), (pa.string(), WORDS)]))
    files = draw(_files(ids))
    return Drawn(
        files=files,
        id_type=id_type,
        row_group_rows=draw(st.integers(1, 12)),
        shard_rows=draw(st.integers(4, 30)),
        other_shard_rows=draw(st.integers(4, 60)),
        limit=draw(st.none() | st.integers(1, sum(map(len, files)) + 3)),
        faults=draw(st.lists(FAULTS, max_size=12)),
        late_faults=draw(st.lists(FAULTS, max_size=2)),
    )


class KilledError(BaseException):
    """Stands for SIGKILL: no handler of the code under test may see it."""


@contextmanager
def killed_at(call: int) -> Iterator[None]:
    """Die before the `call`-th fsync, rename or removal; from there on, nothing more is put to disk or cleaned up."""
    calls = 0

    def dying(function: Any) -> Any:
        def counted(*arguments: Any, **settings: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls >= call:
                raise KilledError
            return function(*arguments, **settings)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "replace", "unlink"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            yield
        except KilledError:
            return


def damage(path: Path, kind: str, where: float = 0) -> None:
    """Delete a file, cut it off, or alter one of its bytes at equal size."""
    content = bytearray(path.read_bytes())
    place = int(len(content) * where)
    if kind == "delete":
        path.unlink()
    elif kind == "tear":
        path.write_bytes(content[:place])
    elif content:
        content[place] ^= 0x55
        path.write_bytes(content)
