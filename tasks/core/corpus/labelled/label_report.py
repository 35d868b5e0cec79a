"""The report beside a study's rows: where they came from, what was left out and why, and what looks odd."""

from pathlib import Path
from typing import Any, NotRequired, TypedDict

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import sha256_of_file, write_json
from tasks.core.base.formats import Content, FileFormat, read_record, unchanged
from tasks.core.corpus.labelled.layouts import Source
from tasks.core.corpus.labelled.row_checks import count_duplicates
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest
from tasks.core.corpus.labelled.splits import SPLITS, in_two_splits, text_keys
from tasks.core.round.sections import LabelledData

SHOWN = 5
SHOWN_CHARACTERS = 80


class LabelReport(TypedDict):
    """What the report of a study's rows says."""

    study: str
    head: str
    labels: dict[str, str]
    settings: dict[str, Any]
    preprocessing: str
    sources: list[dict[str, Any]]
    rows_read: int
    classes: dict[str, int]
    blank_words: NotRequired[dict[str, int]]
    """Rows by the word for no class; 0.1.0 did not count them."""
    drawn_splits: list[str]
    blanks: dict[str, Any]
    conflicts: list[dict[str, Any]]
    left_out: dict[str, int]
    rows: dict[str, int]
    duplicate_texts: int
    duplicate_texts_with_other_labels: int
    texts_with_line_breaks: int
    positives: dict[str, dict[str, int]]
    negatives: NotRequired[dict[str, dict[str, int]]]
    """Rows by label and split, those without an answer left out; 0.1.0 did not count them."""
    leaked_texts: list[dict[str, Any]]
    digest: str


LABEL_REPORT = FileFormat(
    kind="report of labelled data",
    number=2,
    schema=LabelReport,
    remedy="Delete it and run the training flow again",
    unnumbered=1,
    migrations={1: unchanged},
)


def read_label_report(path: Path) -> Content:
    """Read the report that `prepare_splits` wrote.

    Raises:
        FormatError: it is of a format that this version does not read.
        ValueError: it is torn.
    """
    return read_record(path, LABEL_REPORT)


def start_report(sources: list[Source], data: LabelledData, request: StudyRequest, ledger: Ledger) -> dict[str, Any]:
    """Return what is known before the checks: the study, its files and how they were read."""
    return {
        "study": request.study,
        "head": request.head,
        "labels": request.labels,
        "settings": data.model_dump(mode="json"),
        "preprocessing": request.preprocessing,
        "sources": [
            {
                "path": str(source.path),
                "split": source.split,
                "label": source.label,
                "sha256": sha256_of_file(source.path),
            }
            for source in sources
        ],
        "rows_read": ledger.read,
        "classes": dict(sorted(ledger.classes.items())),
        "blank_words": dict(sorted(ledger.blank_words.items())),
    }


def describe_rows(rows: LabelledRows) -> dict[str, Any]:
    """Count rows by split, and duplicates."""
    return {"rows": {split: int((rows.splits == split).sum()) for split in SPLITS}, **count_duplicates(rows)}


def refuse_leakage(
    rows: LabelledRows, data: LabelledData, request: StudyRequest, report: dict[str, Any], path: Path
) -> None:
    """Raise InputDataError when two splits hold a text, or texts that are one to the model; `path` then lists all."""
    keys = text_keys(rows.texts.tolist(), request)
    leaked = in_two_splits(keys, rows.splits)
    if not leaked:
        return
    texts: dict[str, list[str]] = {key: [] for key in leaked}
    for key, text in dict.fromkeys(zip(keys, rows.texts, strict=True)):
        if key in texts:
            texts[key].append(text)
    listed = [{"text": texts[key][0], "splits": splits} | _others(texts[key]) for key, splits in leaked.items()]
    write_json(path, report | {"leaked_texts": listed})
    shown = "\n".join(_show(splits, texts[key]) for key, splits in list(leaked.items())[:SHOWN])
    raise InputDataError(
        f"{len(leaked)} texts of {data.path} stand in more than one split, so that test figures would be too good:\n"
        f"{shown}\n{path} lists them all. Keep each text in one split"
        + (", or remove labelled_data.split_column, so that Winnow draws the splits." if data.split_column else ".")
    )


def _others(texts: list[str]) -> dict[str, list[str]]:
    return {"equal_after_preprocessing": texts[1:]} if len(texts) > 1 else {}


def _show(splits: list[str], texts: list[str]) -> str:
    how = ", after preprocessing" if len(texts) > 1 else ""
    return f"  {splits}{how}: {', '.join(repr(text[:SHOWN_CHARACTERS]) for text in texts[:SHOWN])}"


def refuse_shared_ids(rows: LabelledRows, data: LabelledData, report: dict[str, Any], path: Path) -> None:
    """Raise InputDataError when an id names rows of two splits; the report at `path` then lists all of them.

    Their texts differ: `refuse_leakage` has refused equal ones.
    """
    shared = in_two_splits(rows.ids, rows.splits)
    if not shared:
        return
    texts: dict[Any, dict[str, str]] = {id_: {} for id_ in shared}
    for id_, split, text in zip(rows.ids, rows.splits, rows.texts, strict=True):
        if id_ in texts:
            texts[id_][split] = text
    write_json(path, report | {"ids_in_two_splits": [{"id": id_, "texts": found} for id_, found in texts.items()]})
    shown = "\n".join(f"  {splits}: {id_!r}" for id_, splits in list(shared.items())[:SHOWN])
    raise InputDataError(
        f"{len(shared)} ids of {data.path} stand in more than one split, with other texts:\n{shown}\n{path} lists them "
        "all. An id names one row: correct the ids; if ids restart in each file, set labelled_data.id_column to null."
    )
