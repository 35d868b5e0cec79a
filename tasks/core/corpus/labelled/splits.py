"""Train, validation and test: drawn by a seed, and checked for texts that stand in two of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.rows import LabelledRows, StudyRequest
from tasks.core.preprocessing import preprocess
from tasks.core.round.sections import LabelledData

SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
    "holdout": "test",
}
"""People call the splits by these names."""


def missing_splits(rows: LabelledRows, data: LabelledData) -> list[str]:
    """List the splits that no row stands in and that must be drawn.

    Raises:
        InputDataError: there are splits, but none is train.
    """
    given = set(rows.splits.tolist()) - {None}
    if "train" not in given:
        raise InputDataError(
            f"no row of {data.path} is in the train split: the splits are {sorted(given)}. Validation and test rows "
            "can be drawn from the train rows, but not the other way round. Correct the split column or the files."
        )
    return [split for split in SPLITS if split not in given]


def draw_splits(rows: LabelledRows, drawn: list[str], data: LabelledData, request: StudyRequest) -> LabelledRows:
    """Draw splits from the train rows: by distinct `text_keys`, stratified, fixed by `data.split_seed`.

    A text's stratum is its rarest positive label, so that rare labels reach every split.
    """
    if not drawn:
        return rows
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - half a second, where splits are drawn

    train = np.flatnonzero(rows.splits == "train")
    numbers: dict[str, int] = {}
    keys = text_keys(rows.texts[train].tolist(), request)
    group = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    positive = np.zeros((len(numbers), rows.targets.shape[1]), dtype=bool)
    np.logical_or.at(positive, group, rows.targets[train] >= 0.5)
    split_of_group = np.full(len(numbers), "train", dtype=object)
    shares = {"test": data.test_share, "validation": data.validation_share}
    for members in _strata(positive):
        rest = members
        for split in (name for name in shares if name in drawn):
            count = min(_draw_count(len(members), shares[split]), len(rest) - 1)
            if count > 0:
                rest, chosen = train_test_split(rest, test_size=count, random_state=data.split_seed)
                split_of_group[chosen] = split
    splits = rows.splits.copy()
    splits[train] = split_of_group[group]
    return rows.with_splits(splits)


def _strata(positive: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return the members of each stratum: the texts whose rarest positive label is the same, or that have none."""
    rarity = np.where(positive, positive.sum(axis=0), np.inf)
    stratum = np.where(positive.any(axis=1), rarity.argmin(axis=1), -1)
    return [np.flatnonzero(stratum == number) for number in np.unique(stratum)]


def _draw_count(members: int, share: float) -> int:
    """Return the share of a stratum, but not less than checks ask for, as far as it goes round."""
    least = 2 if members >= 5 else members // 3
    return max(round(members * share), least)


def text_keys(texts: Sequence[str], request: StudyRequest) -> list[str]:
    """Return what the model sees of each text: preprocessed, white space collapsed. Equal keys are one text to it."""
    return [" ".join(text.split()) for text in preprocess(request.preprocessing, texts)]


def in_two_splits(values: Iterable[Any], splits: Iterable[str]) -> dict[Any, list[str]]:
    """Return the values that stand in more than one split, with these splits in their order."""
    found: dict[Any, set[str]] = {}
    for value, split in zip(values, splits, strict=True):
        found.setdefault(value, set()).add(split)
    return {value: [split for split in SPLITS if split in named] for value, named in found.items() if len(named) > 1}
