"""A file of answers into its batch: each row is imported, known already, or listed with the reason why not.

Importing the same file twice changes nothing. A blank never takes an answer's place.
"""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.folders_aside import sweep
from tasks.core.base.locks import alone
from tasks.core.base.naming.file_names import IMPORT_LOCK
from tasks.core.exchange.answers import (
    ADJUDICATOR,
    Answers,
    ImportRecord,
    read_answers,
    read_imports,
    write_answers,
    write_imports,
)
from tasks.core.exchange.batch import Batch
from tasks.core.exchange.controls import Control
from tasks.core.exchange.incoming.answer_file import AnswerFile, name_of, read_answer_file
from tasks.core.exchange.incoming.answer_rows import Left, understand
from tasks.core.exchange.incoming.answer_words import words_told
from tasks.core.runs.parts import ID_COLUMN

CHANGED = "another answer than was imported before (--replace takes the new one)"


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
        found, left = understand(file, batch, controls, way.name, way.adjudicated)
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
    others = _whose(file, records) - {"", ADJUDICATOR, way.name}
    if others and way.name and not way.adjudicated and not all(row.annotator for row in file.rows):
        raise InputDataError(
            f"{file.path} was imported as {min(others)}'s answers, and cannot be {way.name}'s, too. Where {way.name} "
            f"gave just the same answers, write the name into its column `annotator`. Answers that were not "
            f"{min(others)}'s are taken back by: winnow labels forget ROUND --annotator {min(others)!r} --file "
            f"{file.path}. Then import the file again."
        )


def _whose(file: AnswerFile, records: list[ImportRecord]) -> set[str]:
    """Return as whose answers a file of this content was imported, and not taken back since."""
    found: set[str] = set()
    for one in records:
        if one.taken_back and one.digest in ("", file.digest):
            found.discard(one.annotator)
        elif one.digest == file.digest:
            found.add(one.annotator)
    return found


def _refuse_nothing(file: AnswerFile, found: Answers, left: Left) -> None:
    if not found:
        listed = "; ".join(f"{reason}: {rows[:3]}" for reason, rows in left.items()) or "all are blank"
        raise InputDataError(
            f"{file.path} brings no answer at all. Of its {len(file.rows)} rows: {listed}. {words_told()}."
        )


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
