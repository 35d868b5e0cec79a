import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.reading import BATCH_ROWS, draw_texts, read_rows
from tasks.core.round.sections import Sample
from tasks.core.runs.shards.planned_rows import sha256_of_rows

ROWS = 3 * BATCH_ROWS + 500
RANGES = [(0, 1), (0, ROWS), (699, 701), (BATCH_ROWS - 1, BATCH_ROWS + 1), (9_999, 20_001), (ROWS - 1, ROWS)]
PEAK_OF_READING = """
import sys
import pyarrow as pa
from tasks.core.corpus.sample.reading import draw_texts
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.sections import Sample
sample = Sample(path=sys.argv[1])
if sys.argv[2] == "rows":
    rows = int(sys.argv[3])
    assert len(read_rows(sys.argv[1], rows - 50, rows, "tweet_id", "text")) == 50
else:
    assert len(draw_texts(list_sample(sample), sample, 100, 1, "count")) == 100
print(pa.default_memory_pool().max_memory())
"""


@pytest.fixture(scope="module")
def table():
    texts = [None if number % 7 == 0 else f"text {number} " * (number % 5) for number in range(ROWS)]
    return pa.table({"more": [0.5] * ROWS, "text": texts, "tweet_id": pa.array(range(ROWS), pa.int64())})


@pytest.mark.parametrize("row_group_size", [700, 10_000, ROWS])
@pytest.mark.parametrize(("start", "stop"), RANGES)
def test_rows_are_the_same_however_the_file_is_cut(table, tmp_path, row_group_size, start, stop):
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=row_group_size)
    rows = read_rows(path, start, stop, "tweet_id", "text")
    wanted = table.select(["tweet_id", "text"]).rename_columns(["id", "text"]).take(np.arange(start, stop))
    assert rows.equals(wanted)
    assert sha256_of_rows(rows) == sha256_of_rows(wanted)


def test_an_empty_range_has_no_rows(table, tmp_path):
    pq.write_table(table, tmp_path / "a.parquet")
    rows = read_rows(tmp_path / "a.parquet", 5, 5, "tweet_id", "text")
    assert (len(rows), rows.column_names, rows["id"].type) == (0, ["id", "text"], pa.int64())


def test_texts_are_drawn_alike_however_the_file_is_cut(table, tmp_path):
    drawn = []
    for size in (700, ROWS):
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=size)
        sample = Sample(path=tmp_path / "a.parquet")
        drawn.append(draw_texts(list_sample(sample), sample, 2_000, 5, "count"))
    assert drawn[0] == drawn[1]
    assert {len(set(texts)) for texts in drawn} == {2_000}
    assert set(drawn[0]) <= set(table["text"].to_pylist())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["rows", "draw"])
@pytest.mark.parametrize(("rows", "characters"), [(100_000, 2_000), (8_000, 30_000)])
def test_memory_does_not_grow_with_a_row_group(tmp_path, what, rows, characters):
    path = tmp_path / "a.parquet"
    texts = pa.array(["x" * characters] * rows)
    ids = pa.array(range(rows))
    pq.write_table(pa.table({"tweet_id": ids, "text": texts}), path, use_dictionary=False, compression="none")
    assert pq.read_metadata(path).num_row_groups == 1
    command = [sys.executable, "-c", PEAK_OF_READING, str(path), what, str(rows)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(found.stdout) < 100_000_000 < texts.nbytes
