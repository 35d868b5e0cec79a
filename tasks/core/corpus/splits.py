"""Train, validation and test: drawn by a seed, and checked for texts that stand in two of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.model_selection import train_test_split

from tasks.core.errors import InputDataError
from tasks.core.round import LabelledData

SPLITS = ("train", "validation", "test")
SHOWN_TEXTS = 5


def draw_splits(table: pa.Table, data: LabelledData) -> pa.Array:
    """Draw a split for each distinct text of `table` (text, label), stratified by label and fixed by `data.split_seed`.

    Raises:
        InputDataError: too few positives to put one into each split.
    """
    texts = table["text"].combine_chunks().dictionary_encode()
    text_of_row = texts.indices.to_numpy()
    _, first_rows = np.unique(text_of_row, return_index=True)
    values = table["label"].to_numpy()[first_rows]
    order = np.arange(len(values))
    try:
        rest, test = train_test_split(order, test_size=data.test_share, random_state=data.split_seed, stratify=values)
        share = data.validation_share / (1 - data.test_share)
        train, validation = train_test_split(rest, test_size=share, random_state=data.split_seed, stratify=values[rest])
    except ValueError as error:
        counts = {int(value): int((values == value).sum()) for value in np.unique(values)}
        raise InputDataError(
            f"{data.path} cannot be split into train, validation and test: {error} (rows a value: {counts}). "
            "Label more texts, or set the label to null in the round file."
        ) from None
    splits = np.empty(len(values), dtype=object)
    splits[train], splits[validation], splits[test] = SPLITS
    return pa.array(splits[text_of_row], type=pa.string())


def check_leakage(rows: dict[str, pa.Table], path: Path) -> None:
    """Raise InputDataError when a text stands in two splits: test figures would be too good."""
    seen: dict[str, str] = {}
    leaked: dict[str, set[str]] = {}
    for split in SPLITS:
        for text in rows[split]["text"].to_pylist():
            first = seen.setdefault(text, split)
            if first != split:
                leaked.setdefault(text, {first}).add(split)
    if leaked:
        shown = "\n".join(f"  {sorted(splits)}: {text[:80]!r}" for text, splits in list(leaked.items())[:SHOWN_TEXTS])
        raise InputDataError(
            f"{len(leaked)} texts of {path} stand in more than one split, so that test figures would be too good:\n"
            f"{shown}\nKeep each text in one split."
        )
