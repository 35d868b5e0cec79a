"""A student before it is trained: what it learns from, what it is judged on, and each of its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.base.files import fingerprint, write_aside
from tasks.core.base.folders_aside import sweep
from tasks.core.base.naming.composed_names import heldout_file
from tasks.core.base.naming.work_places import lessons_folder, seeds_folder
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.corpus.labelled.rows import target_column
from tasks.core.distillation.student_rows import StudentRows
from tasks.core.distillation.text_rows import Lesson
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.model import Round
from tasks.core.round.training_section import Search, Training
from tasks.core.training.base_models.base_folder import base_model_digest, require_length
from tasks.core.training.seeds.seed_plan import Mixing, SeedPlan


@dataclass(frozen=True)
class Heldout:
    """Texts that a student never learns from, as a file."""

    path: str
    digest: str
    """This is the fingerprint of every text and probability."""

    def read(self, labels: Sequence[str]) -> Lesson:
        """Return the texts, and what the experts think of them."""
        table = read_parquet(Path(self.path))
        targets = [np.asarray(table[target_column(label)].to_numpy(), dtype=np.float64) for label in labels]
        return Lesson(table["text"].to_pylist(), np.stack(targets, axis=1))


@dataclass(frozen=True)
class StudentPlan:
    """All that decides a student and what it is found to be worth."""

    label: str | None
    """The student learns this label alone; None stands for all of the round's."""
    labelled: LabelledSplits
    """People's labels of the student's labels lie here; its validation and test rows are these."""
    taught: LabelledSplits
    """The rows that training reads lie here."""
    heldout: Heldout
    seeds: tuple[SeedPlan, ...]
    teacher_digest: str
    experts: dict[str, tuple[str, ...]]
    """Each label is taught by the experts of these names."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The student's labels, in the order of its probabilities."""
        return self.taught.labels


@dataclass(frozen=True)
class Teaching:
    """What one student is taught, and by whom."""

    label: str | None
    people: StudentRows
    lesson: Lesson
    heldout: Lesson
    teacher_digest: str
    experts: dict[str, tuple[str, ...]]


def plan_student(round_: Round, settings: Distillation, teaching: Teaching, base_model: str) -> StudentPlan:
    """Write a student's rows and held-out texts, and plan its seeds; `base_model` is the folder that it starts from.

    Raises:
        InputDataError: the hard targets of a label are all the same.
        ModelFolderError: the base model's folder is not as it must be, or reads fewer tokens than the round asks.
    """
    folder = lessons_folder(round_.work_path, round_.name)
    sweep(folder)
    rows = teaching.people
    heldout = teaching.heldout.without(set())
    lesson = teaching.lesson.without(rows.judging_texts() | set(heldout.texts))
    mixing = None if settings.alpha == 0 and settings.temperature == 1 else Mixing(settings.alpha, settings.temperature)
    taught = rows.taught(lesson, settings).write(folder, hard=mixing is not None)
    require_length(base_model, round_.training.max_length_tokens, "training.max_length_tokens")
    digest, training = base_model_digest(base_model), training_of(round_.training, settings, rows)
    root = str(seeds_folder(round_.work_path, round_.name, rows.study))
    texts = round_.preprocessing
    seeds = tuple(SeedPlan(taught, seed, training, base_model, digest, texts, root, mixing) for seed in settings.seeds)
    held = _write_heldout(folder, rows.study, rows.labels, heldout)
    labelled = rows.write(folder, hard=False)
    return StudentPlan(teaching.label, labelled, taught, held, seeds, teaching.teacher_digest, teaching.experts)


def training_of(training: Training, settings: Distillation, rows: StudentRows) -> Training:
    """Return the round's training as the student's: its own seeds, steps and head, evaluated once an epoch."""
    own = {name: getattr(settings, name) for name in ("seeds", "epochs", "batch_size", "learning_rate")}
    fixed = {"head": rows.head, "minimum_seeds": None, "patience_evaluations": None, "evaluations_per_epoch": 1}
    return training.model_copy(update=own | fixed | {"search": Search(), "freeze_embeddings": False})


def _write_heldout(folder: Path, study: str, labels: Sequence[str], heldout: Lesson) -> Heldout:
    columns: dict[str, list[str] | NDArray[np.float64]] = {"text": heldout.texts}
    columns |= {target_column(label): heldout.targets[:, place] for place, label in enumerate(labels)}
    table = pa.table(columns)
    digest = fingerprint(table.to_pydict())
    path = folder / heldout_file(study, digest)
    if not path.exists():
        with write_aside(path) as aside:
            pq.write_table(table, aside, compression="zstd")
    return Heldout(str(path), digest)
