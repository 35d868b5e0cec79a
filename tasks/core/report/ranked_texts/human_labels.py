"""What people are known to have said of texts: in the round's labelled data, and in the batches of its country.

A label is of a text, whatever id it has: texts are told apart by `text_key`, as they are when batches are drawn.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tasks.core.base.naming.file_names import DECIDED_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.label_snapshot import read_snapshot
from tasks.core.corpus.labelled.rows import target_column
from tasks.core.exchange.batch import read_batch
from tasks.core.exchange.labelled_before import batches_in_country, labelled_rows, text_key
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN

WORDS = {1.0: "yes", 0.0: "no"}
HumanLabels = dict[str, dict[str, str]]
"""For each label, what was said of texts by `text_key`: `yes`, `no`, a share of people, or several of them by bars."""
Said = tuple[str, str, float | None]
"""These are a label, the `text_key` of a text, and what people said of it: 1, 0, a share, or nothing."""


def human_labels(round_: Round) -> HumanLabels:
    """Return what people said of the labels of a round.

    Raises:
        WinnowError: the labelled data or a batch cannot be read.
    """
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for label, key, target in chain(_of_data(round_), _of_snapshots(round_), _of_batches(round_)):
        if target is not None and not math.isnan(target):
            found[label][key].add(WORDS.get(target, f"{target:.2g}"))
    return {label: {key: "|".join(sorted(said)) for key, said in texts.items()} for label, texts in found.items()}


def _of_data(round_: Round) -> Iterator[Said]:
    rows = labelled_rows(round_)
    keys = [text_key(text or "") for text in rows.texts]
    for column, label in enumerate(round_.active_labels):
        yield from ((label, key, float(target)) for key, target in zip(keys, rows.targets[:, column], strict=True))


def _of_snapshots(round_: Round) -> Iterator[Said]:
    for table in map(read_snapshot, round_.labelled_data.added):
        keys = [text_key(text) for text in table["text"].to_pylist()]
        for label in round_.active_labels:
            if target_column(label) in table.column_names:
                targets = table[target_column(label)].to_pylist()
                yield from ((label, key, target) for key, target in zip(keys, targets, strict=True))


def _of_batches(round_: Round) -> Iterator[Said]:
    for folder in batches_in_country(round_):
        if (folder / DECIDED_FILE).is_file():
            yield from _of_batch(folder)


def _of_batch(folder: Path) -> Iterator[Said]:
    batch = read_batch(folder).texts
    keys = dict(zip(batch[ID_COLUMN].to_pylist(), map(text_key, batch["text"].to_pylist()), strict=True))
    decided = read_parquet(folder / DECIDED_FILE, [ID_COLUMN, "label", "target"])
    yield from ((row["label"], keys[row[ID_COLUMN]], row["target"]) for row in decided.to_pylist())
