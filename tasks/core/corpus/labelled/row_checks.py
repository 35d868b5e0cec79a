"""Checks of rows before training: what is blank or contradicts itself is left out, and counted by reason."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest, is_none
from tasks.core.round.sections import LabelledData

SHOWN_CHARACTERS = 80
SHARES_TOLERANCE = 1e-3
JOINED = "joined with another label's row of the same id"
REPEATED = "repeated row"
CONFLICT = "id with conflicting rows"


def drop_unusable(rows: LabelledRows, ledger: Ledger) -> LabelledRows:
    """Leave out rows without an id, a readable text or a split."""
    rows = ledger.leave_out(rows, is_none(rows.ids), "blank id")
    rows = ledger.leave_out(rows, rows.undecodable, "text not UTF-8")
    rows = ledger.leave_out(rows, np.array([not (text or "").strip() for text in rows.texts], bool), "blank text")
    return ledger.leave_out(rows, is_none(rows.splits), "blank split")


def join_labels(rows: LabelledRows, ledger: Ledger) -> LabelledRows:
    """Join rows of an id and text in one split, from the files of several labels or from one; blanks are filled.

    A row that says something else than was said before stays, for `drop_repeats` to find.
    """
    targets = rows.targets.copy()
    first_of: dict[Any, int] = {}
    seen: set[Any] = set()
    reasons = np.full(len(rows), "", dtype=object)
    for row, (split, id_, text, source) in enumerate(_keys(rows, rows.texts, rows.sources)):
        first = first_of.setdefault((split, id_, text), row)
        reason = REPEATED if (first, source) in seen else JOINED
        seen.add((first, source))
        given, known = ~np.isnan(targets[row]), ~np.isnan(targets[first])
        if first != row and (targets[row] == targets[first])[given & known].all():
            targets[first][given] = targets[row][given]
            reasons[row] = reason
    rows = replace(rows, targets=targets)
    for reason in (JOINED, REPEATED):
        ledger.count(reason, int((reasons == reason).sum()))
    return rows.take(reasons == "")


def drop_unlabelled(
    rows: LabelledRows, data: LabelledData, request: StudyRequest, ledger: Ledger
) -> tuple[LabelledRows, dict[str, int]]:
    """Leave out rows without a label, or of a class that is not in the round; return the blanks by label as well.

    Raises:
        InputDataError: a label is blank in every row, or a row has several classes or shares that do not sum to 1.
    """
    blank = np.isnan(rows.targets)
    blanks = {label: int(blank[:, place].sum()) for place, label in enumerate(request.labels)}
    for label, count in blanks.items():
        if count == len(rows) > 0:
            raise InputDataError(
                f"label '{label}' ('{request.labels[label]}' in {data.path}) is blank in all {count} rows. Label some, "
                f"or set the label to null in the round file. {ledger.told()}"
            )
    if request.head == "binary":
        return ledger.leave_out(rows, blank[:, 0], f"blank {next(iter(blanks))}"), blanks
    if request.head == "multi_label":
        return ledger.leave_out(rows, blank.all(axis=1), "every label blank"), blanks
    rows = ledger.leave_out(rows, blank.any(axis=1), "blank class")
    if data.targets == "soft":
        _check_shares(rows, data)
    several = (rows.targets == 1).sum(axis=1) > 1
    if several.any():
        raise InputDataError(
            f"{int(several.sum())} rows of {data.path} have several classes, such as the id {rows.ids[several][0]!r}, "
            "but with training.head multi_class exactly one is true. Use multi_label, or correct the rows."
        )
    return ledger.leave_out(rows, (rows.targets == 0).all(axis=1), "another class"), blanks


def _check_shares(rows: LabelledRows, data: LabelledData) -> None:
    sums = rows.targets.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SHARES_TOLERANCE)
    if len(wrong):
        raise InputDataError(
            f"the shares of {len(wrong)} rows of {data.path} do not sum to 1, such as those of the id "
            f"{rows.ids[wrong[0]]!r}, which sum to {sums[wrong[0]]:.4g}. With training.head multi_class the shares of "
            "a row must sum to 1; a class that is null in the round leaves rows that do not. Use multi_label, or keep "
            "all classes."
        )


def drop_repeats(
    rows: LabelledRows, request: StudyRequest, ledger: Ledger
) -> tuple[LabelledRows, list[dict[str, Any]]]:
    """Keep the first of equal rows of an id in a split; leave out all rows of an id that contradict each other.

    Returns the rows, and the contradictions for the report.
    """
    places = defaultdict(list)
    for row, (split, id_) in enumerate(_keys(rows)):
        places[split, id_].append(row)
    repeated, conflicting = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    conflicts = []
    for (split, id_), members in places.items():
        contents = [(rows.texts[row], *_values(rows.targets[row])) for row in members]
        if len(set(contents)) > 1:
            conflicting[members] = True
            shown = [
                {"text": text[:SHOWN_CHARACTERS], "labels": dict(zip(request.labels, values, strict=True))}
                for text, *values in contents
            ]
            conflicts.append({"id": id_, "split": split, "rows": shown})
        repeated[members[1:]] = len(set(contents)) == 1
    ledger.count(REPEATED, int(repeated.sum()))
    ledger.count(CONFLICT, int(conflicting.sum()))
    return rows.take(~(repeated | conflicting)), conflicts


def count_duplicates(rows: LabelledRows) -> dict[str, int]:
    """Count the distinct texts that several rows have, those of them with differing labels, and the like."""
    labels = defaultdict(list)
    for text, targets in zip(rows.texts, rows.targets, strict=True):
        labels[text].append(tuple(_values(targets)))
    return {
        "duplicate_texts": sum(len(given) > 1 for given in labels.values()),
        "duplicate_texts_with_other_labels": sum(len(set(given)) > 1 for given in labels.values()),
        "texts_with_line_breaks": sum("\n" in text for text in rows.texts),
    }


def _keys(rows: LabelledRows, *more: NDArray[Any]) -> Any:
    return zip(rows.splits, rows.ids, *more, strict=True)


def _values(targets: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in targets.tolist()]  # noqa: PLR0124
