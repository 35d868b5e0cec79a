"""Labelled data -> checked splits, written once as Parquet.

Reads   the round's labelled file: an id, a text and a column a label (1, 0, blank), perhaps a split column
Writes  <folder>/<label>-<digest>.parquet with the columns id, text, label, split
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.corpus.columns import check_columns, read_schema
from tasks.core.corpus.splits import SPLITS, check_leakage, draw_splits
from tasks.core.errors import InputDataError
from tasks.core.files import fingerprint, write_aside
from tasks.core.round import LabelledData


@dataclass(frozen=True)
class LabelledSplits:
    """A label's checked rows on disk."""

    label: str
    path: str
    digest: str
    """Fingerprint of every id, text, label and split, in order."""
    rows: dict[str, int]
    positives: dict[str, int]
    left_out: dict[str, int]
    """Rows not used, by reason."""


def prepare_splits(data: LabelledData, label: str, column: str, folder: Path) -> LabelledSplits:
    """Read one label's rows, check and split them, and write them below `folder`.

    Raises:
        InputDataError: file or column missing, float ids, values other than 0, 1 and blank, a split without positives,
            or texts that stand in two splits.
    """
    table = _read(data, column)
    table, left_out = _drop_unusable(table, data, label)
    if data.split_column is None:
        table = table.append_column("split", draw_splits(table, data))
    rows = {split: _rows_of(table, split) for split in SPLITS}
    counts = {split: rows[split].num_rows for split in SPLITS}
    positives = {split: rows[split]["label"].to_pylist().count(1) for split in SPLITS}
    _check_positives(label, counts, positives, data.path)
    check_leakage(rows, data.path)
    digest = fingerprint(table.to_pydict())
    path = folder / f"{label}-{digest}.parquet"
    if not path.exists():
        with write_aside(path) as aside:
            pq.write_table(table, aside, compression="zstd")
    return LabelledSplits(label, str(path), digest, counts, positives, left_out)


def read_split(path: str | Path, split: str) -> tuple[list[str | int], list[str], list[int]]:
    """Return the ids, texts and labels of one split of a file that `prepare_splits` wrote."""
    rows = _rows_of(pq.read_table(path), split)
    return rows["id"].to_pylist(), rows["text"].to_pylist(), rows["label"].to_pylist()


def _read(data: LabelledData, column: str) -> pa.Table:
    if not data.path.is_file():
        raise InputDataError(f"there is no labelled data at {data.path}; correct labelled_data.path in the round file")
    wanted = {"id": data.id_column, "text": data.text_column, "label": column}
    if data.split_column is not None:
        wanted["split"] = data.split_column
    schema = read_schema(data.path)
    check_columns(data.path, schema, wanted)
    _check_label_type(schema.field(column), data.path)
    try:
        table = pq.read_table(data.path, columns=list(wanted.values()))
        table.validate(full=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputDataError(f"{data.path} cannot be read: {error}. Write it again.") from None
    return pa.table({role: table[name] for role, name in wanted.items()})


def _check_label_type(field: pa.Field, path: Path) -> None:
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    if not any(is_known(field.type) for is_known in known):
        raise InputDataError(
            f"the label column '{field.name}' of {path} has type {field.type}; it must hold 1, 0 or blank"
        )


def _drop_unusable(table: pa.Table, data: LabelledData, label: str) -> tuple[pa.Table, dict[str, int]]:
    """Leave out rows without an id, a text, a label or a split, and count them by reason."""
    left_out = {}
    columns = ["id", "text", "label"] + (["split"] if data.split_column is not None else [])
    for column in columns:
        usable = pc.is_valid(table[column])
        if column == "text":
            usable = pc.and_kleene(usable, pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(table["text"])), 0))
        kept = table.filter(usable)
        left_out[f"blank {column}"] = table.num_rows - kept.num_rows
        table = kept
    _check_values(table["label"], {0, 1}, f"label '{label}'", data.path)
    if data.split_column is not None:
        _check_values(table["split"], set(SPLITS), f"split column '{data.split_column}'", data.path)
    return table.set_column(table.schema.get_field_index("label"), "label", table["label"].cast(pa.int8())), left_out


def _check_values(values: pa.ChunkedArray, allowed: set[int] | set[str], what: str, path: Path) -> None:
    found = [value.as_py() for value in pc.unique(values)]
    foreign = [value for value in found if value not in allowed]
    if foreign:
        raise InputDataError(
            f"the {what} of {path} holds {foreign[:5]!r}; allowed are {sorted(allowed, key=str)} and blank"
        )


def _check_positives(label: str, rows: dict[str, int], positives: dict[str, int], path: Path) -> None:
    for split in SPLITS:
        if positives[split] == 0 or positives[split] == rows[split]:
            raise InputDataError(
                f"the {split} split of label '{label}' has {positives[split]} positives in {rows[split]} rows of "
                f"{path}, but needs at least one positive and one negative. Label more texts, or set "
                "the label to null in the round file."
            )


def _rows_of(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split))
