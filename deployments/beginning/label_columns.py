"""Which columns hold the labels, and of which kind: 0 and 1, shares of annotators, classes, or lists of classes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from deployments.beginning.data_columns import Column, DataColumns
from deployments.beginning.question import choose
from deployments.beginning.roles import require
from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.reserved_names import RESERVED_LABELS
from tasks.core.base.spelling import plain_name
from tasks.core.corpus.logical_types import spell
from tasks.core.round.sections import Head

CLASS_NAMES = (
    *("label", "class", "category", "sentiment", "stance", "emotion", "topic", "target", "gold_label", "annotation"),
    *("labels", "classes", "categories"),
)
MOST_CLASSES = 20
ROWS_A_CLASS = 3
"""A column with fewer rows a value on average holds no classes."""
LONGEST_CLASS = 40
NEEDED = 5
"""Rows of a label that say yes, and rows that say no: fewer do not reach all splits."""
LABEL_LENGTH = 60
SHOWN_VALUES = 3


@dataclass(frozen=True)
class GuessedLabels:
    """What a round file says of its labels."""

    columns: dict[str, str]
    """Each label has its column here, or its value in the label column."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Labels that cannot be trained say why."""
    label_column: str | None = None
    head: Head = "binary"
    targets: Literal["hard", "soft"] = "hard"
    unused: tuple[str, ...] = ()
    """Columns of the file that the round does not read are named here."""


def guess_labels(
    data: DataColumns, taken: Sequence[str], said: Sequence[str], column: str | None, head: Head | None
) -> GuessedLabels:
    """Return the labels of a file: those that were said, else what the columns that are not taken look like.

    `said` are options such as `hate` or `hate=Hate Speech`.

    Raises:
        InputDataError: no column looks like labels, a name is none, or a label's column is not there.
    """
    free = {name: one for name, one in data.columns.items() if name not in taken}
    if column is None and not said:
        column = _class_column(free) if not _yes_or_no(free) else None
    if column is not None:
        return _of_classes(data, require(data, column, "--label-column"), said, head, free)
    names = [require(data, one.partition("=")[2] or one, "--label") for one in said] or list(_yes_or_no(free))
    if not names:
        names = [choose("The column of the labels", list(free), "--label")]
        if free[names[0]].numbers is None or max(free[names[0]].numbers or [0]) > 1:
            return _of_classes(data, names[0], (), head, free)
    _require_numbers(data, names)
    labels = dict(zip(_labels([one.partition("=")[0] for one in said] or names), names, strict=True))
    counts = {label: _count(data.columns[name]) for label, name in labels.items()}
    soft = any(_is_soft(data.columns[name]) for name in names)
    unused = tuple(name for name in free if name not in names)
    return GuessedLabels(
        labels, _too_few(counts), head=head or "binary", targets="soft" if soft else "hard", unused=unused
    )


def _require_numbers(data: DataColumns, names: Sequence[str]) -> None:
    for name in names:
        column = data.columns[name]
        if column.values and column.numbers is None:
            raise InputDataError(
                f"'{name}' of {data.path} holds {column.values[:SHOWN_VALUES]}, but a label's column holds 0 and 1, or "
                f"shares. If it holds classes, say --label-column '{name}' instead of --label"
            )


def _yes_or_no(free: dict[str, Column]) -> dict[str, Column]:
    """Return the columns of numbers from 0 to 1."""
    return {name: one for name, one in free.items() if one.numbers and 0 <= min(one.numbers) <= max(one.numbers) <= 1}


def _is_soft(column: Column) -> bool:
    return any(0 < number < 1 for number in column.numbers or ())


def _class_column(free: dict[str, Column]) -> str | None:
    """Return the one column that looks like classes, or whose name says so; None where there is none.

    Raises:
        InputDataError: there are several, and nobody can be asked.
    """
    alike = [name for name, column in free.items() if _is_classes(column)]
    named = [name for name in alike if name.casefold() in CLASS_NAMES]
    if len(alike) <= 1 or len(named) == 1:
        return next(iter(named or alike), None)
    return choose("The column of the labels", alike, "--label-column")


def _is_classes(column: Column) -> bool:
    if any(isinstance(value, list) for value in column.values):
        return True
    words = [str(value).strip() for value in column.distinct]
    return (
        1 < len(words) <= MOST_CLASSES
        and not column.is_float
        and max(map(len, words)) <= LONGEST_CLASS
        and len(column.values) >= ROWS_A_CLASS * len(words)
    )


def _of_classes(
    data: DataColumns, name: str, said: Sequence[str], head: Head | None, free: dict[str, Column]
) -> GuessedLabels:
    """Return the classes of one column as labels, each a name for its value there."""
    column = data.columns[name]
    is_list = any(isinstance(value, list) for value in column.values)
    counts = _classes(column, name)
    values = [one.partition("=")[2] or one for one in said] or sorted(counts)
    unknown = [value for value in values if value not in counts]
    if unknown:
        raise InputDataError(
            f"no row of {data.path} has the class '{unknown[0]}' in '{name}'. There are: {sorted(counts)}"
        )
    labels = _labels([one.partition("=")[0] for one in said] or [_class_name(value) for value in values])
    rows = len(column.values)
    few = {label: (counts[value], rows - counts[value]) for label, value in zip(labels, values, strict=True)}
    return GuessedLabels(
        dict(zip(labels, values, strict=True)),
        _too_few(few),
        name,
        head or ("binary" if is_list or len(labels) == 1 else "multi_class"),
        unused=tuple(other for other in free if other != name),
    )


def _classes(column: Column, name: str) -> Counter[str]:
    """Count the rows of each class, lists of classes included.

    Raises:
        InputDataError: lists of numbers, whose places have no names.
    """
    members: list[Any] = []
    for value in column.values:
        members += set(value) if isinstance(value, list) else [value]
    if any(isinstance(value, list) for value in column.values) and not all(isinstance(one, str) for one in members):
        raise InputDataError(
            f"'{name}' holds lists of numbers, and nothing says what their places mean. Name another --label-column, "
            "or write the round by hand, with labelled_data.label_names: deployments/rounds/README.md says how"
        )
    return Counter(spell(one) for one in members)


def _class_name(value: str) -> str:
    """Return a class as a label: numbers alone say nothing in a table of results."""
    return f"class_{value}" if value.isdecimal() else value


def _labels(names: Sequence[str]) -> list[str]:
    """Return names as labels may be called, no two alike.

    Raises:
        InputDataError: nothing is left of a name, or two are the same as labels.
    """
    labels = [plain_name(name)[:LABEL_LENGTH] for name in names]
    labels = [f"{label}_label" if label in RESERVED_LABELS else label for label in labels]
    for label, name in zip(labels, names, strict=True):
        if not label or labels.count(label) > 1:
            raise InputDataError(
                f"no label can be called after '{name}': labels are of lower-case letters, digits and `_`, and no two "
                f"are alike. Name them with --label NAME={name}, each once"
            )
    return labels


def _count(column: Column) -> tuple[int, int]:
    """Count the rows that say yes, from one half on, and those that say no."""
    numbers = dict(zip(column.distinct, column.numbers or (), strict=False))
    yes = sum(numbers.get(value, 0.0) >= 0.5 for value in column.values)
    return yes, len(column.values) - yes


def _too_few(counts: dict[str, tuple[int, int]]) -> dict[str, str]:
    return {
        label: f"{yes:,} rows say yes and {no:,} no; {NEEDED} of each are needed"
        for label, (yes, no) in counts.items()
        if min(yes, no) < NEEDED
    }
