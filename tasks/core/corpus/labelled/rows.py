"""Labelled rows in memory, and the ledger that accounts for each row that is not used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.round.sections import Head, MetricName


@dataclass(frozen=True)
class StudyRequest:
    """Which labels to read, and for which kind of training."""

    study: str
    labels: dict[str, str]
    """Each label is mapped to its column, or to its value in the label column."""
    head: Head
    metric: MetricName
    preprocessing: str


@dataclass(frozen=True)
class LabelledRows:
    """Rows in the order of their files. Ids, texts and splits are Python objects, None where blank."""

    ids: NDArray[np.object_]
    texts: NDArray[np.object_]
    undecodable: NDArray[np.bool_]
    """These rows have None as their text because its bytes are not UTF-8."""
    splits: NDArray[np.object_]
    targets: NDArray[np.float64]
    """The targets have a column for each label, and are NaN where blank."""
    sources: NDArray[np.int64]
    """Each row has the number of its file here."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "LabelledRows":
        """Return the chosen rows."""
        return LabelledRows(**{name: values[chosen] for name, values in vars(self).items()})

    def with_splits(self, splits: NDArray[np.object_]) -> "LabelledRows":
        """Return the same rows in other splits."""
        return replace(self, splits=splits)


def objects(values: Sequence[str | int | None]) -> NDArray[np.object_]:
    """Return the values as an array of Python objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def is_none(values: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say of each value whether it is blank."""
    return np.array([value is None for value in values], dtype=bool)


def concatenate(parts: list[LabelledRows]) -> LabelledRows:
    """Return the rows of all parts; where some ids are integers and others strings, all become strings."""
    rows = LabelledRows(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})
    if len({type(id_) for id_ in rows.ids if id_ is not None}) > 1:
        rows = replace(rows, ids=objects([None if id_ is None else str(id_) for id_ in rows.ids]))
    return rows


def target_column(label: str) -> str:
    """Return the column of a label's targets in a file of splits, and in a snapshot of labels."""
    return f"target_{label}"


def blank_words_told(words: Mapping[str, int]) -> str:
    """Say in words which words, of how many rows, were taken for no class."""
    return f"No class is meant by {dict(sorted(words.items()))}; where one is, name it in labelled_data.label_names."


class Ledger:
    """Counts the rows read and the rows left out by reason, so that none is lost unseen."""

    def __init__(self) -> None:
        self.read = 0
        self.left_out: dict[str, int] = {}
        self.classes: Counter[str] = Counter()
        """Rows by class, whether or not the round has the class."""
        self.blank_words: Counter[str] = Counter()
        """Rows by the word in the label column that stands for no class, such as `NULL`."""

    def leave_out(self, rows: LabelledRows, mask: NDArray[np.bool_] | np.bool_, reason: str) -> LabelledRows:
        """Return the rows outside the mask; count those inside."""
        self.count(reason, int(mask.sum()))
        return rows.take(~np.asarray(mask, dtype=bool))

    def count(self, reason: str, rows: int) -> None:
        """Count rows that are left out."""
        if rows:
            self.left_out[reason] = self.left_out.get(reason, 0) + rows

    def told(self) -> str:
        """Say in words why rows were left out, and which classes there are."""
        said = [f"Of {self.read} rows, left out are {self.left_out or 'none'}."]
        if self.classes:
            said.append(f"Rows by class: {dict(sorted(self.classes.items()))}.")
        if self.blank_words:
            said.append(blank_words_told(self.blank_words))
        return " ".join(said)

    def check_some_left(self, rows: LabelledRows) -> None:
        """Raise InputDataError when every row has been left out."""
        if not len(rows):
            raise InputDataError(
                f"no labelled row is left of {self.read}: left out are {self.left_out}. Correct the columns that "
                f"labelled_data names in the round file, or the data."
            )

    def check_balance(self, used: int) -> None:
        """Raise InputDataError unless every row read is either used or left out for a reason."""
        accounted = used + sum(self.left_out.values())
        if self.read != accounted:
            raise InputDataError(
                f"{self.read} labelled rows were read, but {accounted} are accounted for: {used} used, left out "
                f"{self.left_out}. This is a fault of Winnow: report it with the round file."
            )
