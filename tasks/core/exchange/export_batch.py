"""A batch as a file for labellers and their tools: with answers that are there and, unless blind, the model's scores.

CSV           UTF-8 with a byte order mark, ids as `id_...`, texts that no spreadsheet runs
Parquet       ids and texts as they are
.json         Label Studio's tasks; the labelling interface is written beside, as <name>.config.xml
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import write_aside, write_json, write_text
from tasks.core.base.naming.composed_names import label_config_file
from tasks.core.base.parquet import PARQUET_SUFFIXES
from tasks.core.exchange.decide import UNDECIDED
from tasks.core.exchange.incoming.answer_file import SUFFIXES, name_of
from tasks.core.exchange.label_studio import interface_of, task_of
from tasks.core.exchange.questions import Question, questions_of, shuffled
from tasks.core.exchange.safe_cells import safe_id, safe_text
from tasks.core.exchange.settle import Settled
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN

ASKED = ("batch", ID_COLUMN, "text", "label", "annotator", "answer")
DRAWN = ("author", "method", "reason", "rank", SCORE_COLUMN, "stage", "inclusion_probability")
TYPES = {"rank": pa.int64(), SCORE_COLUMN: pa.float64(), "inclusion_probability": pa.float64()}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ExportWay:
    """What is exported."""

    annotators: tuple[str, ...] = ()
    """Each of these gets a row a question; without any, whoever has answered does, or nobody by name."""
    blind: bool = False
    """Scores, and why a text was drawn, are left out, so that they sway nobody."""
    only_undecided: bool = False
    """Only what annotators disagree on is exported, for a last judgement: one blank row a question."""


def export_batch(settled: Settled, path: Path, way: ExportWay, instructions: dict[str, str]) -> int:
    """Write a batch for labellers, and return how many questions it asks.

    Raises:
        InputDataError: another suffix, or a file that is there already.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputDataError(f"an export is of the kind of its suffix, but {path} has '{path.suffix}': {SUFFIXES}")
    if path.exists():
        raise InputDataError(f"{path} is there already, perhaps with answers; name another file, or move it away")
    questions = _asked(settled, way)
    if path.suffix.lower() == ".json":
        _write_tasks(settled, questions, path, way, instructions)
    else:
        rows = _rows(settled, questions, way)
        columns = ASKED if way.blind else (*ASKED, *DRAWN)
        (_write_parquet if path.suffix.lower() in PARQUET_SUFFIXES else _write_csv)(rows, columns, path)
    return len(questions)


def _asked(settled: Settled, way: ExportWay) -> list[Question]:
    if not way.only_undecided:
        questions = questions_of(settled.batch, settled.controls)
        return shuffled(questions, settled.batch.about.batch_id) if settled.controls else questions
    open_ = {(str(row[ID_COLUMN]), row["label"]) for row in settled.decided.to_pylist() if row["how"] in UNDECIDED}
    return [one for one in questions_of(settled.batch) if (one.tweet_id, one.label) in open_]


def _rows(settled: Settled, questions: Sequence[Question], way: ExportWay) -> Rows:
    names = [name_of(one) for one in way.annotators] or ([] if way.only_undecided else settled.annotators) or [""]
    batch = settled.batch.folder.name
    return [
        {"batch": batch, ID_COLUMN: one.tweet_id, "text": one.text, "label": one.label, "annotator": annotator}
        | {"answer": _answer(settled, annotator, one)}
        | dict.fromkeys(DRAWN)
        | one.drawn
        for annotator in names
        for one in questions
    ]


def _answer(settled: Settled, annotator: str, question: Question) -> str:
    said = settled.answers.get((annotator, (question.tweet_id, question.label)))
    return "" if said is None or said.answer == "blank" else said.answer


def _write_csv(rows: Rows, columns: Sequence[str], path: Path) -> None:
    with write_aside(path) as aside, aside.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\r\n")
        writer.writeheader()
        for row in rows:
            safe = {key: safe_text(row[key]) for key in ("text", "author", "reason")}
            writer.writerow({**row, **safe, ID_COLUMN: safe_id(row[ID_COLUMN])})


def _write_parquet(rows: Rows, columns: Sequence[str], path: Path) -> None:
    schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in columns])
    with write_aside(path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), aside, compression="zstd")


def _write_tasks(
    settled: Settled, questions: Sequence[Question], path: Path, way: ExportWay, instructions: dict[str, str]
) -> None:
    texts: dict[str, list[Question]] = {}
    for one in questions:
        texts.setdefault(one.tweet_id, []).append(one)
    write_json(path, [_task(settled, asked, way) for asked in texts.values()])
    labels = dict.fromkeys(one.label for one in questions)
    write_text(label_config_file(path), interface_of({label: instructions.get(label, "") for label in labels}))


def _task(settled: Settled, asked: list[Question], way: ExportWay) -> dict[str, Any]:
    first = asked[0]
    data: dict[str, Any] = {
        ID_COLUMN: first.tweet_id,
        "batch": settled.batch.folder.name,
        "labels": [one.label for one in asked],
    }
    if not way.blind:
        data["draws"] = {one.label: one.drawn for one in asked}
    given: dict[str, dict[str, str]] = {}
    for annotator in () if way.only_undecided else settled.annotators:
        for one in asked:
            if answer := _answer(settled, annotator, one):
                given.setdefault(annotator, {})[one.label] = answer
    return task_of(data, first.text, given)
