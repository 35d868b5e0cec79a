"""A shard's rows parted into those that can be scored and those that cannot, and tokenised: each distinct text once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tasks.core.corpus.logical_types import blank_strings
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.engines.loading import tokenizer_of
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.preprocessing import preprocess
from tasks.core.runs.parts import quarantine_table
from tasks.core.runs.plan import Plan

REASON_NO_ID = "id is null"
REASON_BLANK_ID = "id is blank"
REASON_ID_NOT_UTF8 = "id is not UTF-8"
REASON_NO_TEXT = "text is null"
REASON_NOT_UTF8 = "text is not UTF-8"
TEXTS_AT_ONCE = 1_000
"""So many texts are tokenised together; what the tokenizer says beside the tokens is let go of before the next."""
CHARACTERS_A_TOKEN = 1_000
"""A text longer than this for each token that the model reads is cut before it is tokenised."""
LONGEST_WORD = 100
"""A WordPiece tokenizer parts no longer word into pieces, so a word that was cut is in no more tokens than this."""


@dataclass(frozen=True)
class ShardTexts:
    """A shard's scorable rows, as distinct texts and their tokens."""

    ids: pa.ChunkedArray
    text_of_row: NDArray[np.int64]
    """Each row has the number of its distinct text here."""
    tokens: list[list[int]]
    """Each distinct text has its tokens here."""
    empty: int
    """So many rows have a text that is empty once preprocessed."""
    truncated: int
    """So many rows have a text with more tokens than the model reads."""


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


def tokenise(plan: Plan, rows: pa.Table) -> ShardTexts:
    """Tokenise each distinct text of scorable rows once, for all labels."""
    distinct = rows["text"].combine_chunks().dictionary_encode()
    text_of_row = distinct.indices.to_numpy().astype(np.int64)
    texts = preprocess(plan.inputs.preprocessing, distinct.dictionary.to_pylist())
    tokenizer = tokenizer_of(read_planned_model(plan.engines[0].folder, plan.engines[0].seal))
    tokens: list[list[int]] = []
    truncated: list[bool] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        encodings = encode(tokenizer, texts[start : start + TEXTS_AT_ONCE], plan.inputs.max_length_tokens)
        tokens += [encoding.ids for encoding in encodings]
        truncated += [bool(encoding.overflowing) for encoding in encodings]
    empty = np.array([not text for text in texts], dtype=bool)
    return ShardTexts(
        ids=rows["id"],
        text_of_row=text_of_row,
        tokens=tokens,
        empty=int(empty[text_of_row].sum()),
        truncated=int(np.array(truncated, dtype=bool)[text_of_row].sum()),
    )


def encode(tokenizer: Tokenizer, texts: list[str], max_length_tokens: int) -> list[Encoding]:
    """Encode texts; of one that is far longer than the model reads, the part that holds the tokens to be read.

    A text of 10 MB would become millions of tokens to keep a hundred. One that is mostly blank is encoded whole, so
    that no token that is read is of the word at the cut: how long the part is does not change a score.
    """
    longest = CHARACTERS_A_TOKEN * max_length_tokens
    encodings: list[Encoding] = tokenizer.encode_batch_fast([text[:longest] for text in texts])
    for number, text in enumerate(texts):
        if len(text) > longest and sum(map(len, encodings[number].overflowing)) <= LONGEST_WORD:
            encodings[number] = tokenizer.encode_batch_fast([text])[0]
    return encodings
