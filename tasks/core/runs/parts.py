"""The score file: what a shard leaves for each label, and what of it could not be scored. Only this module knows.

output/<LABEL>/part-00042.parquet   `tweet_id` (integer or string, as in the sample), `score` (float64: the probability
                                    of the label); the footer says which run, shard, label and engine it is of.
                                    Of a screened run also `stage`: who gave the score. What the expert did not score
                                    has one below 0: its last stage's guess of the probability, less 1, or less 2 where
                                    a second stage did not see it either
quarantine/part-00042.parquet       `tweet_id`, `text` (its bytes), `reason`
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.files import write_aside
from tasks.core.base.parquet import read_parquet, stamp
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.score_bins import count_bins, spell_counts
from tasks.core.runs.scoring_inputs import EngineUse

ID_COLUMN = "tweet_id"
SCORE_COLUMN = "score"
STAGE_COLUMN = "stage"
EXPERT, DRAWN, AUDITED = "expert", "drawn", "audited"
"""The expert scored a row that passed all stages, one of a draw, or one that was screened out and audited."""
BY_EXPERT = (EXPERT, DRAWN, AUDITED)
NGRAMS, STUDENT = "ngrams", "student"
"""The first stage screened the row out, or the second, which sees what passes the first."""
SCREENED_OUT = (NGRAMS, STUDENT)
STAGES = (*BY_EXPERT, *SCREENED_OUT)
Which = Literal["expert", "all"]
"""Readers say which rows of a screened run they want: those that the expert scored, or all, whose order holds."""
REASON_COLUMN = "reason"
REPEATED = (STAGE_COLUMN, REASON_COLUMN)
"""These columns are written with a dictionary; ids and scores hardly repeat, and would take more space with one."""
ROW_GROUP_ROWS = 16_384
"""A part has row groups of so many rows; smaller ones would take more time to read than they save."""
COMPRESSION = "zstd"


def score_columns(plan: Plan) -> list[str]:
    """Return the columns that parts of a run have."""
    return [ID_COLUMN, SCORE_COLUMN] + ([STAGE_COLUMN] if plan.inputs.screening else [])


def score_table(
    ids: pa.ChunkedArray, scores: NDArray[np.float64], stages: NDArray[np.object_] | None = None
) -> pa.Table:
    """Return the rows of a part: each row's id and its score and, of a screened run, the stage that gave it."""
    table = pa.table({ID_COLUMN: ids, SCORE_COLUMN: pa.array(scores, pa.float64())})
    return table if stages is None else table.append_column(STAGE_COLUMN, pa.array(stages, pa.string()))


def count_scores(table: pa.Table) -> str:
    """Return how many of a part's rows lie in each bin of scores, as its receipt holds it."""
    return spell_counts(count_bins(table[SCORE_COLUMN].to_numpy()))


def quarantine_table(ids: pa.ChunkedArray, texts: pa.ChunkedArray, reasons: pa.ChunkedArray) -> pa.Table:
    """Return rows that cannot be scored: each row's id, the bytes of its text, and why."""
    return pa.table({ID_COLUMN: ids, "text": texts, REASON_COLUMN: reasons})


def provenance(plan: Plan, use: EngineUse, shard: int, variant: str | None) -> dict[str, Any]:
    """Return what the footer of a part says: which run, shard, label and engine its scores come from."""
    return {
        "run_id": plan.run_id,
        "shard": shard,
        "label": use.label,
        "registered_model": use.registered_model,
        "version": use.version,
        "engine_digest": use.digest,
        "variant": variant,
    }


def write_part(table: pa.Table, path: Path, content: dict[str, Any] | None = None) -> Path:
    """Write a part aside, synced and renamed, with `content` in its footer, and return its path."""
    with write_aside(path) as aside:
        _write(table if content is None else stamp(table, content), aside)
    return path


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a part, or some of its columns; see `tasks.core.base.parquet.read_parquet` for errors."""
    return read_parquet(path, columns)


def list_parts(plan: Plan, folder: RunFolder, label: str) -> list[Path]:
    """Return where all of a label's parts lie, in the order of the shards."""
    return [folder.output_path(label, shard.number) for shard in plan.shards]


def stream_ids(paths: Sequence[Path]) -> pa.RecordBatchReader:
    """Return the ids of parts and quarantined rows, a batch at a time; the first file says of which type they are."""
    schema = pa.schema([pq.read_schema(paths[0]).field(ID_COLUMN)])
    return pa.RecordBatchReader.from_batches(schema, _id_batches(paths, schema))


def stream_rows(plan: Plan, folder: RunFolder, label: str) -> pa.RecordBatchReader:
    """Return all rows of a label in a run, a batch at a time; the first part says of which types they are."""
    paths = list_parts(plan, folder, label)
    schema = pq.read_schema(paths[0]).remove_metadata() if paths else pa.schema([])
    return pa.RecordBatchReader.from_batches(schema, _row_batches(paths, schema))


def bytes_a_row(ids: pa.ChunkedArray) -> float:
    """Return what a row of a label's part takes; scores do not compress, so random numbers stand for them."""
    if not len(ids):
        return 0.0
    sink = io.BytesIO()
    _write(score_table(ids, np.random.default_rng(0).random(len(ids))), sink)
    return sink.tell() / len(ids)


def _write(table: pa.Table, where: Path | io.BytesIO) -> None:
    pq.write_table(table, where, ROW_GROUP_ROWS, compression=COMPRESSION, use_dictionary=list(REPEATED))


def _row_batches(paths: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=schema.names):
                yield pa.record_batch(batch.columns, schema=schema)


def _id_batches(paths: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[ID_COLUMN]):
                yield pa.record_batch(batch.columns, schema=schema)
