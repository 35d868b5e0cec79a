"""A student as the second stage, one of all five labels or one a label, taught by what the experts made of the fitting
draw.

The run itself has no student. What passes with one is told from the run's calibration draw, of which every eighth row
chooses each label's path through the stages, and the others bound it. A student of all labels is MiniLM cut to its
first layers, a label's own is its expert cut so. Each is taught one epoch, half on the experts' top 5 % and half on the
rest, as far as the top has texts, and converted through the strict gate.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.files import fingerprint
from tasks.core.distillation.cut_model import classes_of, cut_model
from tasks.core.distillation.lesson_draw import draw_rows
from tasks.core.distillation.student_plan import Teaching, plan_student
from tasks.core.distillation.student_rows import labelled_rows
from tasks.core.distillation.text_rows import Lesson
from tasks.core.engines.graph_work import multiplied_weights
from tasks.core.engines.loading import open_engine, open_tokenizer
from tasks.core.engines.model_folder import EngineModel, read_engine_model
from tasks.core.engines.scores import margins
from tasks.core.preprocessing import preprocess
from tasks.core.round.conversion_section import Gate
from tasks.core.round.distillation_section import Distillation, Student
from tasks.core.round.round_file import read_round
from tasks.core.round.sections import Head
from tasks.core.screening.certificate import LabelCertificate
from tasks.core.screening.certify import Drawn, certify_label
from tasks.core.screening.joint_path import JointPath, StageCosts
from tasks.core.screening.promise import Promise
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.train_seed import train_seed
from tests.benchmarks.base_models import MINILM
from tests.benchmarks.five_labels import convert_quickly
from tests.benchmarks.screening_costs import Passing
from tests.benchmarks.trained import MAX_LENGTH_TOKENS, PREPROCESSING, ROUND, Trained

Floats = NDArray[np.float64]
STUDY = "student"
LAYERS = (0, 1)
LEARNING_RATE = 1e-4
CHOOSING_ROW = 8
"""One row in so many of the calibration draw chooses the path."""
FIRST_STAGE_COST = 0.01


@dataclass(frozen=True)
class DrawnRows:
    """Rows of a draw: their texts, the experts' scores of shape (rows, labels), and the first stage's guesses."""

    texts: list[str]
    experts: Floats
    guesses: Floats


def teach_student(experts: Sequence[Trained], fit: DrawnRows, folder: Path) -> Mapping[str, EngineModel]:
    """Teach and convert one student of all labels, or return what an earlier call has left, by label."""
    base = cut_model(MINILM.resolve(), LAYERS, folder.resolve() / "base", ())
    return _converted(Pupil(STUDY, tuple(experts), fit, base, "multi_label"), folder)


def teach_students(experts: Sequence[Trained], fit: DrawnRows, folder: Path) -> Mapping[str, EngineModel]:
    """Teach and convert a student a label, cut from the label's expert, or return what an earlier call has left."""
    students: dict[str, EngineModel] = {}
    for place, expert in enumerate(experts):
        (label,) = expert.splits.labels
        own = replace(fit, experts=fit.experts[:, [place]])
        source = expert.checkpoint.resolve()
        base = cut_model(source, LAYERS, folder.resolve() / label / "base", classes_of(source))
        students |= _converted(Pupil(label, (expert,), own, base, "binary"), folder / label)
    return students


@dataclass(frozen=True)
class Pupil:
    """A student before it is taught."""

    study: str
    experts: tuple[Trained, ...]
    fit: DrawnRows
    """With a column of scores for each of its experts."""
    base: Path
    head: Head

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels."""
        return tuple(expert.splits.labels[0] for expert in self.experts)


def _converted(pupil: Pupil, folder: Path) -> Mapping[str, EngineModel]:
    engines = folder / "engine"
    if not engines.is_dir():
        convert_quickly(_taught(pupil, folder), folder, Gate())
    return {label: read_engine_model(engines / label) for label in pupil.labels}


def _taught(pupil: Pupil, folder: Path) -> Trained:
    labels, fit = pupil.labels, pupil.fit
    settings = Distillation(
        one_student=pupil.head == "multi_label",
        student=Student(layers=LAYERS),
        texts=int(0.9 * len(fit.texts)),
        heldout_texts=int(0.05 * len(fit.texts)),
        learning_rate=LEARNING_RATE,
    )
    draw = draw_rows(fit.experts, settings)
    lesson, heldout = (
        Lesson([fit.texts[row] for row in rows], fit.experts[rows]) for rows in (draw.learnt, draw.heldout)
    )
    people = labelled_rows([expert.splits for expert in pupil.experts], labels, pupil.head, pupil.study)
    known: dict[str, tuple[str, ...]] = {
        label: (expert.checkpoint.name,) for label, expert in zip(labels, pupil.experts, strict=True)
    }
    round_ = read_round(ROUND)
    training = round_.training.model_copy(update={"max_length_tokens": MAX_LENGTH_TOKENS})
    round_ = round_.model_copy(
        update={"training": training, "work_path": folder.resolve(), "preprocessing": PREPROCESSING}
    )
    alone = None if pupil.head == "multi_label" else labels[0]
    teaching = Teaching(alone, people, lesson, heldout, fingerprint(list(labels)), known)
    plan = plan_student(round_, settings, teaching, str(pupil.base))
    seed: SeedPlan = plan.seeds[0]
    result = train_seed(seed, lambda _number, _figures: None)
    return Trained(seed.folder, plan.labelled, result.metrics["test_average_precision"])


@dataclass(frozen=True)
class StudentStage:
    """The student's guesses of the calibration draw, and what they took."""

    rows: DrawnRows
    stages: Floats
    """Of shape (rows, labels, stages)."""
    seconds_a_text: float
    """CPU time of all students together, tokenising too."""
    over_expert: float
    """A student's weights over the expert's, shared by its labels: what the flow takes as its cost."""
    one_student: bool
    """It reads what reaches it for any label; else each label's student reads what reaches that label's."""
    labels: tuple[str, ...]

    @property
    def costs(self) -> StageCosts:
        """What stages cost beside the expert."""
        return StageCosts((FIRST_STAGE_COST, self.over_expert), 1.0)

    @cached_property
    def choosing(self) -> NDArray[np.bool_]:
        """Which rows choose paths."""
        return np.asarray(np.arange(len(self.rows.texts)) % CHOOSING_ROW == 0)

    def certified(self, fit: DrawnRows, promise: Promise) -> dict[str, LabelCertificate]:
        """Certify each label with both stages."""
        choose = self.choosing
        return {
            label: certify_label(
                fit.experts[:, place],
                Drawn(self.rows.experts[choose, place], self.stages[choose, place]),
                Drawn(self.rows.experts[~choose, place], self.stages[~choose, place]),
                promise,
                self.costs,
            )
            for place, label in enumerate(self.labels)
        }

    def passing(self, certificates: Mapping[str, LabelCertificate], lost: float | None) -> tuple[Passing, Passing]:
        """Return what reaches the student, and the experts; by thresholds that lose such a share, or the certified."""
        reached, passed = [], []
        for place, label in enumerate(self.labels):
            stages, certificate = self.stages[~self.choosing, place], certificates[label]
            path, threshold = JointPath(certificate.offsets), certificate.threshold
            if lost is not None:
                top = self.rows.experts[~self.choosing, place] >= certificate.top_from
                ordered = np.sort(path.settings(stages[top]))
                threshold = float(ordered[int(lost * len(ordered) + 1e-9)])
            through = np.logical_and.accumulate(path.passing(stages, -np.inf if threshold is None else threshold), 1)
            reached.append(through[:, 0])
            passed.append(through[:, 1])
        return Passing.of(reached), Passing.of(passed)

    def share_read(self, reached: Passing) -> float:
        """Return which share of the pool's texts is read, where all students read each takes `seconds_a_text`."""
        return reached.union if self.one_student else float(np.mean(reached.labels))


def student_stage(students: Mapping[str, EngineModel], expert: Path, calibrate: DrawnRows) -> StudentStage:
    """Have the students read the calibration draw; `expert` is the fp32 graph of an expert."""
    by_graph: dict[str, dict[str, EngineModel]] = {}
    for label, student in students.items():
        by_graph.setdefault(student.files[student.graph], {})[label] = student
    read = [_read(own, calibrate.texts) for own in by_graph.values()]
    first = next(iter(students.values()))
    own = multiplied_weights(Path(first.folder) / first.in_fp32().graph)
    return StudentStage(
        rows=calibrate,
        stages=np.stack([calibrate.guesses, np.concatenate([guesses for guesses, _ in read], axis=1)], axis=2),
        seconds_a_text=sum(seconds for _, seconds in read) / len(calibrate.texts),
        over_expert=own * len(by_graph) / multiplied_weights(expert) / len(students),
        one_student=len(by_graph) == 1,
        labels=tuple(students),
    )


def _read(students: Mapping[str, EngineModel], texts: list[str]) -> tuple[Floats, float]:
    """Return the guesses of a student for its labels, of shape (texts, labels), and the CPU time that they took."""
    first = next(iter(students.values()))
    engine = open_engine(first.folder, False, None)[1]
    tokenizer = open_tokenizer(str(first.tokenizer_path), first.max_length_tokens)
    started = time.process_time()
    rows = [encoding.ids for encoding in tokenizer.encode_batch(preprocess(first.preprocessing, texts))]
    logits = engine.logits(rows)
    seconds = time.process_time() - started
    return np.stack([margins(logits, one.positive_index, one.head) for one in students.values()], axis=1), seconds
