"""A file of answers into its batch: each row is imported, known already, or listed with the reason why not.

Importing the same file twice changes nothing. A blank never takes an answer's place.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.folders_aside import sweep
from tasks.core.base.locks import alone
from tasks.core.base.naming import IMPORT_LOCK
from tasks.core.exchange.answer_file import AnswerFile, Given, name_of, read_answer_file
from tasks.core.exchange.answer_words import answer_of, words_told
from tasks.core.exchange.answers import (
    ADJUDICATOR,
    Answers,
    ImportRecord,
    Said,
    read_answers,
    read_imports,
    write_answers,
    write_imports,
)
from tasks.core.exchange.batch import Batch
from tasks.core.exchange.controls import Control, Key
from tasks.core.exchange.safe_cells import id_among, means_two
from tasks.core.runs.parts import ID_COLUMN

UNKNOWN_ID = "the text is not of this batch"
TWO_IDS = "the id may mean two texts of this batch: write it without `id_`, or with `id_` twice"
NOT_ASKED = "the label was not asked of this text"
UNKNOWN_WORD = "the answer is no known word"
TWICE = "answered twice in the file, with different answers"
CHANGED = "another answer than was imported before (--replace takes the new one)"
Left = dict[str, list[str]]


@dataclass(frozen=True)
class ImportWay:
    """How files are imported."""

    annotator: str = ""
    """Rows that name no annotator are this one's."""
    adjudicated: bool = False
    """All answers are the adjudicator's, whose word decides."""
    replace: bool = False
    """An answer that differs from the one imported before takes its place."""

    @property
    def name(self) -> str:
        """The annotator's name as it is compared."""
        return ADJUDICATOR if self.adjudicated else name_of(self.annotator)


def import_file(batch: Batch, path: Path, controls: list[Control], way: ImportWay) -> ImportRecord:
    """Import one file, and return what it brought; a file that was imported before brings nothing.

    Raises:
        InputDataError: it cannot be read, is of another batch, names no annotator, or holds not one usable answer.
    """
    file = read_answer_file(path)
    _refuse_other_batch(file, batch)
    with alone(batch.folder / IMPORT_LOCK):
        sweep(batch.folder)
        records = read_imports(batch.folder)
        _refuse_other_name(file, records, way)
        answers, control_answers = read_answers(batch.folder)
        found, left = _understood(file, batch, controls, way)
        _refuse_nothing(file, found, left)
        known = {(control.tweet_id, control.label) for control in controls}
        of_controls = {key: said for key, said in found.items() if key[1] in known}
        of_texts = {key: said for key, said in found.items() if key[1] not in known}
        blank = sum(said.answer == "blank" for said in found.values())
        record = ImportRecord(str(path), file.digest, way.name, 0, blank=blank)
        for old, new in ((answers, of_texts), (control_answers, of_controls)):
            record = _merge(old, new, left, record, way)
        record = replace(record, left_out=dict(left))
        if record.new or record.replaced or not any(one.digest == file.digest for one in records):
            write_answers(batch.folder, batch.texts.schema.field(ID_COLUMN).type, answers, control_answers)
            write_imports(batch.folder, [*records, record])
    return record


def _refuse_other_batch(file: AnswerFile, batch: Batch) -> None:
    others = sorted({row.batch for row in file.rows} - {"", batch.folder.name})
    if others:
        raise InputDataError(
            f"{file.path} answers the batch {others[0]}, not {batch.folder.name}; name it with --batch"
        )


def _refuse_other_name(file: AnswerFile, records: list[ImportRecord], way: ImportWay) -> None:
    """Refuse a file whose rows name nobody and were another's before: one person's answers would be two votes."""
    others = {one.annotator for one in records if one.digest == file.digest} - {"", ADJUDICATOR, way.name}
    if others and way.name and not way.adjudicated and not all(row.annotator for row in file.rows):
        raise InputDataError(
            f"{file.path} was imported as {min(others)}'s answers, and cannot be {way.name}'s, too. Where {way.name} "
            f"gave just the same answers, write the name into its column `annotator`. {min(others)}'s that were not "
            "theirs go with answers.parquet, controls.parquet and imports.json of the batch's folder: delete these, "
            "and import every file again."
        )


def _refuse_nothing(file: AnswerFile, found: Answers, left: Left) -> None:
    if not found:
        listed = "; ".join(f"{reason}: {rows[:3]}" for reason, rows in left.items()) or "all are blank"
        raise InputDataError(
            f"{file.path} brings no answer at all. Of its {len(file.rows)} rows: {listed}. {words_told()}."
        )


def _understood(file: AnswerFile, batch: Batch, controls: list[Control], way: ImportWay) -> tuple[Answers, Left]:
    asked: dict[str, set[str]] = defaultdict(set)
    for id_, label in zip(batch.draws[ID_COLUMN].to_pylist(), batch.draws["label"].to_pylist(), strict=True):
        asked[str(id_)].add(label)
    for control in controls:
        asked[control.tweet_id].add(control.label)
    found: dict[tuple[str, Key], list[Said]] = defaultdict(list)
    left: Left = defaultdict(list)
    for given in file.rows:
        row = replace(given, tweet_id=id_among(given.tweet_id, asked))
        answer = answer_of(row.word)
        annotator = way.name if way.adjudicated else row.annotator or way.name
        problem = TWO_IDS if means_two(given.tweet_id, asked) else _problem(row, asked, answer)
        if problem:
            left[problem].append(_told(row, annotator))
        elif answer is not None and (annotator or answer != "blank"):
            found[_named(annotator, file), (row.tweet_id, row.label)].append(Said(answer, file.digest))
    return _single(found, left), left


def _problem(row: Given, asked: dict[str, set[str]], answer: str | None) -> str:
    if row.tweet_id not in asked:
        return UNKNOWN_ID
    if row.label not in asked[row.tweet_id]:
        return NOT_ASKED
    return UNKNOWN_WORD if answer is None else ""


def _named(annotator: str, file: AnswerFile) -> str:
    if not annotator:
        raise InputDataError(
            f"{file.path} has answers that name no annotator. Fill in its column `annotator`, or say --annotator NAME."
        )
    return annotator


def _single(found: dict[tuple[str, Key], list[Said]], left: Left) -> Answers:
    """Return what was said once, or several times alike; a blank beside an answer is none."""
    answers: Answers = {}
    for (annotator, key), said in found.items():
        words = {one.answer for one in said} - {"blank"}
        if len(words) > 1:
            left[TWICE].append(f"{key[0]} {key[1]} {annotator}: {sorted(words)}")
        else:
            answers[annotator, key] = next((one for one in said if one.answer in words), said[0])
    return answers


def _merge(old: Answers, new: Answers, left: Left, record: ImportRecord, way: ImportWay) -> ImportRecord:
    """Add new answers to the old ones, in place."""
    counts: Counter[str] = Counter()
    for key, said in new.items():
        before = old.get(key)
        answered = before is not None and before.answer != "blank"
        if before is not None and said.answer in ("blank", before.answer):
            counts["repeated"] += 1
        elif before is not None and answered and not way.replace:
            left[CHANGED].append(f"{key[1][0]} {key[1][1]} {key[0]}: {before.answer}, now {said.answer}")
        else:
            counts["replaced" if answered else "new"] += said.answer != "blank"
            old[key] = said
    return replace(
        record,
        new=record.new + counts["new"],
        replaced=record.replaced + counts["replaced"],
        repeated=record.repeated + counts["repeated"],
    )


def _told(row: Given, annotator: str) -> str:
    return f"{row.tweet_id} {row.label} {annotator}: {row.word!r}"
