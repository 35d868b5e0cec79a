"""Where a batch stands: its answers, who failed the controls, and what was decided; read anew each time."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.answers import Answers, ImportRecord, read_answers
from tasks.core.exchange.batch import Batch, list_batches, read_batch
from tasks.core.exchange.controls import Control, ControlRecord, judge, read_controls
from tasks.core.exchange.decide import decide, write_decided
from tasks.core.exchange.incoming.answer_file import batch_named, read_answer_file
from tasks.core.exchange.incoming.forget_answers import forget_answers
from tasks.core.exchange.incoming.import_answers import ImportWay, import_file
from tasks.core.round.model import Round


@dataclass(frozen=True)
class Settled:
    """A batch with its answers."""

    batch: Batch
    answers: Answers
    controls: list[Control]
    records: dict[str, ControlRecord]
    """Each annotator who answered a control did so well."""
    decided: pa.Table
    """The columns are those of `decide.COLUMNS`."""

    @property
    def failed(self) -> dict[str, str]:
        """Annotators who are left out, and why."""
        return {annotator: str(record) for annotator, record in self.records.items() if record.failed}

    @property
    def annotators(self) -> list[str]:
        """Everyone who answered something, left out or not."""
        return sorted({annotator for (annotator, _), said in self.answers.items() if said.answer != "blank"})

    @property
    def notes(self) -> list[str]:
        """What a person should know of the annotators, in words."""
        said = [f"{annotator} is left out: {why}" for annotator, why in self.failed.items()]
        if self.controls:
            untested = [one for one in self.annotators if one not in self.records]
            said += [f"{annotator} answered no control question" for annotator in untested]
        rows = [annotator for (annotator, _), one in self.answers.items() if one.answer != "blank"]
        single = [annotator for annotator in self.annotators if rows.count(annotator) == 1]
        return said + [f"{annotator} answered one row alone, which says nothing of agreement" for annotator in single]


def settle(batch: Batch, round_: Round) -> Settled:
    """Return where a batch stands.

    Raises:
        InputDataError: the control questions cannot be used.
        TornRecordError: the answers are torn.
    """
    controls = read_controls(round_.labelling, batch)
    answers, control_answers = read_answers(batch.folder)
    of_controls = ((annotator, key, said.answer) for (annotator, key), said in control_answers.items())
    records = judge(of_controls, controls, round_.labelling)
    return Settled(batch, answers, controls, records, decide(batch, answers, records, round_.labelling))


def import_and_settle(settled: Settled, round_: Round, path: Path, way: ImportWay) -> tuple[ImportRecord, Settled]:
    """Import a file of answers, write what is decided by now, and return what the file brought and where all stands.

    Raises:
        InputDataError: the file cannot be used: see `import_file`.
    """
    record = import_file(settled.batch, path, settled.controls, way)
    settled = settle(settled.batch, round_)
    write_decided(settled.batch, settled.decided)
    return record, settled


def forget_and_settle(
    settled: Settled, round_: Round, annotator: str, file: Path | None = None
) -> tuple[ImportRecord, Settled]:
    """Take an annotator's answers back, write what is decided by now, and return what went and where all stands.

    Raises:
        InputDataError: there are no such answers.
    """
    record = forget_answers(settled.batch, annotator, file)
    settled = settle(settled.batch, round_)
    write_decided(settled.batch, settled.decided)
    return record, settled


def batch_of_file(round_: Round, path: Path, name: str | None) -> Batch:
    """Return the batch that a file of answers is imported into: the one of that name, or the one that it names itself.

    Raises:
        InputDataError: the file cannot be read, or there is no such batch.
    """
    return choose_batch(round_, name or batch_named(read_answer_file(path)))


def choose_batch(round_: Round, name: str | None) -> Batch:
    """Return a round's batch by its name, or its only one.

    Raises:
        InputDataError: there is no such batch, none at all, or several and no name.
    """
    folders = {folder.name: folder for folder in list_batches(round_)}
    if not folders:
        raise InputDataError(
            f"the round {round_.name} has no labelling batch below {round_.work_path}; run the deployment "
            f"sampling/{round_.name}, which draws one"
        )
    if name is None and len(folders) > 1:
        raise InputDataError(
            f"the round {round_.name} has several batches; name one with --batch: {', '.join(folders)}"
        )
    if name is not None and name not in folders:
        raise InputDataError(f"the round {round_.name} has no batch '{name}'; it has {', '.join(folders)}")
    return read_batch(folders[name] if name is not None else next(iter(folders.values())))
