"""Labelling batches as the sampling flow leaves them, for tests of what happens to them afterwards."""

from pathlib import Path

import pyarrow as pa

from tasks.core.base.naming.work_places import batch_folder
from tasks.core.exchange.batch import Batch, BatchAbout, write_batch

FIRST_ID = 1_270_000_000_000_000_001
"""Ids as long as those of tweets: a float no longer tells them apart."""
TEXTS = (
    "I lost my job today 😭",
    "هل من أحد يبحث عن عمل؟ فقدت وظيفتي 💔",
    'She said "you\'re fired", then,\nnothing',
    "Perdí mi trabajo, ¿y ahora qué?",
    "=HYPERLINK(no formula)",
    "Não tenho emprego há um mês 👨‍👩‍👧",
)


def ids(count: int, first: int = FIRST_ID) -> list[str]:
    """Return so many ids, as strings."""
    return [str(first + number) for number in range(count)]


def draws_of(count: int, labels: tuple[str, ...] = ("positive",), first: int = FIRST_ID, **changes) -> pa.Table:
    """Return a draw of each text for each label, every second one random."""
    rows = [(id_, label) for id_ in ids(count, first) for label in labels]
    columns = {
        "tweet_id": [id_ for id_, _ in rows],
        "label": [label for _, label in rows],
        "method": [("exploit", "random")[place % 2] for place in range(len(rows))],
        "reason": [f"rank {place + 1}" for place in range(len(rows))],
        "rank": pa.array(range(1, len(rows) + 1), pa.int64()),
        "score": [1 - (place + 1) / (2 * len(rows)) for place in range(len(rows))],
        "stage": pa.nulls(len(rows), pa.string()),
        "stratum": pa.nulls(len(rows), pa.int32()),
        "inclusion_probability": [0.25] * len(rows),
    }
    return pa.table(columns | changes)


def texts_of(count: int, labels: tuple[str, ...] = ("positive",), first: int = FIRST_ID, **changes) -> pa.Table:
    """Return the texts of such draws; the first ones have emoji, quotes, line breaks and Arabic."""
    columns = {
        "tweet_id": ids(count, first),
        "text": [TEXTS[place] if place < len(TEXTS) else f"text {first + place}" for place in range(count)],
        "labels": [list(labels)] * count,
        "author": pa.nulls(count, pa.string()),
    }
    return pa.table(columns | changes)


def about(batch_id: str = "0123456789ab", **changes) -> BatchAbout:
    """Return what such a batch says of itself."""
    said = {
        "batch_id": batch_id,
        "kind": "sampling",
        "country": "US",
        "round_name": "us-iter0",
        "run_folder": "/runs/iter_0-main-3f9a0c11d2e4-evaluation",
        "run_id": "3f9a0c11d2e4",
        "population": {"positive": 1000},
        "settings": {"method": 0},
        "random_state": 7,
        "counts": {"drawn": {"positive": 6}, "excluded": {}, "capped": {}},
    }
    return BatchAbout(**said | changes)


def write(
    batches: Path, count: int = 6, labels: tuple[str, ...] = ("positive",), first: int = FIRST_ID, **changes
) -> Batch:
    """Write such a batch into a round's folder of batches."""
    said = about(**changes)
    folder = batch_folder(batches, said.kind, said.batch_id)
    return write_batch(folder, draws_of(count, labels, first), texts_of(count, labels, first), said)
