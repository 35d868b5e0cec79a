"""Take answers back that were imported by mistake, such as under another annotator's name; the record of it stays."""

from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.folders_aside import sweep
from tasks.core.base.locks import alone
from tasks.core.base.naming.file_names import IMPORT_LOCK
from tasks.core.corpus.faults import cannot_read
from tasks.core.exchange.answers import (
    Answers,
    ImportRecord,
    read_answers,
    read_imports,
    write_answers,
    write_imports,
)
from tasks.core.exchange.batch import Batch
from tasks.core.exchange.incoming.answer_file import name_of
from tasks.core.runs.parts import ID_COLUMN

TAKEN_BACK = "taken back"
"""The rows that were forgotten stand in `imports.json` under this reason, each with its answer."""


def forget_answers(batch: Batch, annotator: str, file: Path | None = None) -> ImportRecord:
    """Remove an annotator's answers from a batch, or those of one file, controls included, and record them.

    Raises:
        InputDataError: the annotator has no such answer, or the file cannot be read.
    """
    name, digest = name_of(annotator), _digest(file)
    with alone(batch.folder / IMPORT_LOCK):
        sweep(batch.folder)
        records = read_imports(batch.folder)
        answers, controls = read_answers(batch.folder)
        names = sorted({who for kept in (answers, controls) for who, _ in kept})
        rows = [row for kept in (answers, controls) for row in _take(kept, name, digest)]
        if not rows:
            return _taken_before(batch, records, (name, digest), names)
        record = ImportRecord(str(file or ""), digest, name, 0, taken_back=len(rows), left_out={TAKEN_BACK: rows})
        if records[-1:] != [record]:  # a cut before the answers were written left it already
            write_imports(batch.folder, [*records, record])
        write_answers(batch.folder, batch.texts.schema.field(ID_COLUMN).type, answers, controls)
    return record


def _taken_before(batch: Batch, records: list[ImportRecord], whose: tuple[str, str], names: list[str]) -> ImportRecord:
    """Return the record of the same answers having been taken back before."""
    for one in reversed(records):
        if one.taken_back and (one.annotator, one.digest) == whose:
            return one
    whence = " of this file" if whose[1] else ""
    raise InputDataError(
        f"'{whose[0]}' has no answers{whence} in {batch.folder.name}; answers are there of {names}. Where another file "
        "had brought the same answers before, they are that file's."
    )


def _digest(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return sha256_of_file(file)
    except OSError as error:
        raise cannot_read(file, error) from None


def _take(answers: Answers, name: str, digest: str) -> list[str]:
    """Remove answers, in place, and return each in words."""
    gone = [key for key, said in answers.items() if key[0] == name and digest in ("", said.source)]
    return [f"{id_} {label} {who}: {answers.pop((who, (id_, label))).answer}" for who, (id_, label) in sorted(gone)]
