"""Unlabelled texts for the engines' benchmark: those that variants are compared on, and those that are timed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from tasks.core.engines.batching import spread_batches
from tasks.core.engines.loading import BATCH_TOKENS
from tasks.core.preprocessing import preprocess
from tests.benchmarks.trained import DRAW_SEED, PREPROCESSING, ROOT, real_data

SHARD_TEXTS = 50_000
"""As many as the rows of a shard in a real run: most of its batches are full."""


@dataclass(frozen=True)
class TimedTexts:
    """Texts that every way scores: whole batches of a shard, in the order in which they came."""

    texts: list[str]
    """Preprocessed."""
    rows: list[list[int]]
    """Their tokens."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each."""
        return np.array([len(row) for row in self.rows], dtype=np.int64)


def draw_texts(*splits_paths: str, count: int = SHARD_TEXTS) -> list[str]:
    """Draw distinct unlabelled texts, none of them among the labelled rows of these splits, where there are any."""
    pool = real_data("tweets_unlabelled_pool.parquet") or ROOT / "deployments" / "demo" / "data" / "sample"
    labelled = {text for path in splits_paths for text in pq.read_table(path, columns=["text"])["text"].to_pylist()}
    texts = ds.dataset(pool).to_table(columns=["text"])["text"].to_pylist()
    usable = [text for text in dict.fromkeys(texts) if text and text.strip() and text not in labelled]
    drawn = np.random.default_rng(DRAW_SEED).permutation(len(usable))[:count]
    return [usable[number] for number in drawn]


def choose_timed(shard: list[str], tokenizer: Tokenizer, count: int) -> TimedTexts:
    """Choose at least `count` texts: whole batches of the shard, evenly spread over the lengths."""
    prepared = preprocess(PREPROCESSING, shard)
    rows = [encoding.ids for encoding in tokenizer.encode_batch(prepared)]
    chosen = spread_batches(np.array([len(row) for row in rows], dtype=np.int64), BATCH_TOKENS, count)
    return TimedTexts([prepared[number] for number in chosen], [rows[number] for number in chosen])


def tokenizer_file(checkpoint: Path) -> str:
    """Return the path of a checkpoint's tokenizer."""
    return str(checkpoint / "tokenizer.json")
