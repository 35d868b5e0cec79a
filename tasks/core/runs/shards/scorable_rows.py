"""A shard's rows parted into those that can be scored and those that cannot."""

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.corpus.logical_types import blank_strings
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.runs.parts import quarantine_table

REASON_NO_ID = "id is null"
REASON_BLANK_ID = "id is blank"
REASON_ID_NOT_UTF8 = "id is not UTF-8"
REASON_NO_TEXT = "text is null"
REASON_NOT_UTF8 = "text is not UTF-8"


def part_rows(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Part rows into those that can be scored and, with a reason and their bytes, those that cannot.

    Those that can have `id`, `text` and `row`, their place among all rows.
    """
    texts = pa.array(decode_texts(rows["text"]), pa.large_string())
    ids = _readable_ids(rows["id"])
    has_id, has_text, decoded = pc.is_valid(ids), pc.is_valid(rows["text"]), pc.is_valid(texts)
    reasons = pc.case_when(
        pc.make_struct(pc.invert(has_id), pc.invert(has_text), pc.invert(decoded)),
        _reasons_of_ids(rows["id"]),
        *(pa.scalar(reason) for reason in (REASON_NO_TEXT, REASON_NOT_UTF8)),
    )
    scorable = pc.and_(has_id, decoded)
    content = rows["text"].cast(pa.large_binary())
    table = quarantine_table(ids, content, reasons)
    places = pa.array(range(rows.num_rows), pa.int64())
    return pa.table({"id": ids, "text": texts, "row": places}).filter(scorable), table.filter(pc.invert(scorable))


def _readable_ids(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the ids, null in place of blank ones and of strings that are not UTF-8, which programs refuse."""
    if pa.types.is_integer(ids.type):
        return ids
    readable = pa.array(decode_texts(ids), ids.type)
    return pa.chunked_array([pc.if_else(blank_strings(readable), None, readable)])


def _reasons_of_ids(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return why each id would not do; one that cannot be written as a string stands in its reason, as bytes."""
    if pa.types.is_integer(ids.type):
        return pa.chunked_array([pa.repeat(REASON_NO_ID, len(ids))])
    said = [_reason_of_id(id_) for id_ in _bytes(ids)]
    return pa.chunked_array([pa.array(said, pa.string())])


def _reason_of_id(id_: bytes | None) -> str:
    if id_ is None:
        return REASON_NO_ID
    try:
        return f"{REASON_BLANK_ID}: {id_.decode()!r}"
    except UnicodeDecodeError:
        return f"{REASON_ID_NOT_UTF8}: {id_!r}"


def _bytes(ids: pa.ChunkedArray) -> list[bytes | None]:
    content: list[bytes | None] = ids.cast(pa.large_binary()).to_pylist()
    return content
