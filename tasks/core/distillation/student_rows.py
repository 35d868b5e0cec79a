"""A student's rows in the form that training reads: the experts teach the train rows, people judge the others.

Writes  <folder>/<study>-<digest>.parquet with the columns id, text, split, target_<label> and, where hard targets are
        mixed in, hard_<label>
Validation and test rows are those of the labels' own studies: a text that one label has for a test and another for
training is blank for the latter, so that nobody is judged by rows that an expert was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.naming.composed_names import splits_file
from tasks.core.corpus.labelled.hard_targets import hard_column
from tasks.core.corpus.labelled.prepare import LabelledSplits, read_split
from tasks.core.corpus.labelled.rows import target_column
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.distillation.text_rows import Floats, Lesson, TextRows
from tasks.core.metrics.heads import THRESHOLD
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.sections import Head


def labelled_rows(studies: Sequence[LabelledSplits], labels: Sequence[str], head: Head, study: str) -> "StudentRows":
    """Return the human labels of several studies as those of one model for all their labels."""
    splits = {}
    for split in SPLITS:
        rows = splits[split] = TextRows(len(labels))
        for own in studies:
            read = read_split(own.path, own.labels, split)
            columns = [labels.index(label) for label in own.labels]
            for id_, text, targets in zip(read.ids, read.texts, read.targets, strict=True):
                rows.soft[rows.place(str(id_), text)][columns] = targets
    return StudentRows(study, tuple(labels), head, splits)


@dataclass(frozen=True)
class StudentRows:
    """The rows of a student's three splits."""

    study: str
    labels: tuple[str, ...]
    head: Head
    splits: dict[str, TextRows]

    def judging_texts(self) -> set[str]:
        """Return the texts of validation and test, which are not learnt from."""
        return {text for split in SPLITS if split != "train" for text in self.splits[split].texts}

    def taught(self, lesson: Lesson, settings: Distillation) -> "StudentRows":
        """Return rows whose train split is the lesson, with hard targets as the settings say.

        Raises:
            InputDataError: the hard targets of a label are all the same.
        """
        train, people = TextRows(len(self.labels)), self.splits["train"]
        for number, (text, targets) in enumerate(zip(lesson.texts, lesson.targets, strict=True)):
            place = train.place(f"lesson-{number}", text)
            train.soft[place] = targets
            if settings.hard_targets == "experts":
                train.hard[place] = (targets >= THRESHOLD).astype(np.float64)
        if settings.alpha > 0 and settings.hard_targets == "labelled":
            for (text, number), id_ in zip(people.texts.items(), people.ids, strict=True):
                train.hard[train.place(id_, text)] = people.soft[number]
        if settings.alpha > 0:
            _require_both_classes(np.array(train.hard), self.labels, settings.hard_targets)
        return StudentRows(self.study, self.labels, self.head, {**self.splits, "train": train})

    def write(self, folder: Path, hard: bool) -> LabelledSplits:
        """Write the rows, unless they stand there; with `hard`, the hard targets too."""
        columns: dict[str, list[object]] = {"id": [], "text": [], "split": []}
        for split, rows in self.splits.items():
            columns["id"] += rows.ids
            columns["text"] += rows.texts
            columns["split"] += [split] * len(rows.ids)
        soft = np.array([row for rows in self.splits.values() for row in rows.soft])
        own = np.array([row for rows in self.splits.values() for row in rows.hard])
        for place, label in enumerate(self.labels):
            columns[target_column(label)] = pa.array(soft[:, place], pa.float64(), from_pandas=True)
            if hard:
                columns[hard_column(label)] = pa.array(own[:, place], pa.float64(), from_pandas=True)
        table = pa.table(columns)
        digest = fingerprint(table.to_pydict())
        path = folder / splits_file(self.study, digest)
        if not path.exists():
            with write_aside(path) as aside:
                pq.write_table(table, aside, compression="zstd")
        return LabelledSplits(
            study=self.study,
            labels=self.labels,
            head=self.head,
            path=str(path),
            report_path="",
            digest=digest,
            rows={split: len(rows.ids) for split, rows in self.splits.items()},
            positives=self._positives(),
            left_out={},
            blank_words={},
        )

    def _positives(self) -> dict[str, dict[str, int]]:
        counts = {split: (np.array(rows.soft) >= THRESHOLD).sum(axis=0) for split, rows in self.splits.items()}
        return {
            label: {split: int(found[place]) for split, found in counts.items()}
            for place, label in enumerate(self.labels)
        }


def _require_both_classes(hard: Floats, labels: Sequence[str], source: str) -> None:
    for column, label in enumerate(labels):
        known = hard[~np.isnan(hard[:, column]), column] >= THRESHOLD
        if len(known) == 0 or known.all() or not known.any():
            said = f"all {len(known)} hard targets of '{label}' are {int(known[0])}" if len(known) else "there are none"
            remedy = {
                "experts": "no mean probability lies on the other side of 0.5. Set hard_targets: labelled, or alpha: 0",
                "labelled": "the label's train rows have one class alone. Label rows of the other, or set alpha: 0",
            }
            raise InputDataError(
                f"distillation.alpha mixes in hard targets, but {said}, which would teach the student one answer: "
                f"{remedy[source]}"
            )
