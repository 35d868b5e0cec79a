"""The texts of a shard's rows, tokenised: each distinct text once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tasks.core.engines.loading import tokenizer_of
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.preprocessing import preprocess
from tasks.core.runs.plan import Plan

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
