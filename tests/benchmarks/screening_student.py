"""One student of all five labels as the second stage: taught by what the experts made of the fitting draw.

The run itself has no student. What passes with one is told from the run's calibration draw, of which every eighth row
chooses each label's path through the stages, and the others bound it. The student is MiniLM cut to its first layers,
taught half on the experts' top 5 % and half on the rest, one epoch, and converted through the strict gate.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.files import fingerprint
from tasks.core.distillation.cut_model import cut_model
from tasks.core.distillation.lesson_draw import draw_rows
from tasks.core.distillation.student_plan import Teaching, plan_student
from tasks.core.distillation.student_rows import labelled_rows
from tasks.core.distillation.text_rows import Lesson
from tasks.core.engines.graph_work import multiplied_weights
from tasks.core.engines.loading import Engine, open_engine, open_tokenizer
from tasks.core.engines.model_folder import EngineModel, read_engine_model
from tasks.core.engines.scores import margins
from tasks.core.preprocessing import preprocess
from tasks.core.round.conversion_section import Gate
from tasks.core.round.distillation_section import Distillation, Student
from tasks.core.round.round_file import read_round
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
    """Teach and convert the student, or return what an earlier call has left, by label."""
    labels = tuple(expert.splits.labels[0] for expert in experts)
    engines = folder / "engine"
    if not engines.is_dir():
        convert_quickly(_taught(labels, experts, fit, folder), folder, Gate())
    return {label: read_engine_model(engines / label) for label in labels}


def _taught(labels: tuple[str, ...], experts: Sequence[Trained], fit: DrawnRows, folder: Path) -> Trained:
    student = Student(layers=LAYERS)
    settings = Distillation(
        one_student=True,
        student=student,
        texts=int(0.9 * len(fit.texts)),
        heldout_texts=int(0.05 * len(fit.texts)),
        learning_rate=LEARNING_RATE,
    )
    draw = draw_rows(fit.experts, settings)
    lesson, heldout = (
        Lesson([fit.texts[row] for row in rows], fit.experts[rows]) for rows in (draw.learnt, draw.heldout)
    )
    people = labelled_rows([expert.splits for expert in experts], labels, "multi_label", STUDY)
    known: dict[str, tuple[str, ...]] = {
        label: (expert.checkpoint.name,) for label, expert in zip(labels, experts, strict=True)
    }
    round_ = read_round(ROUND)
    training = round_.training.model_copy(update={"max_length_tokens": MAX_LENGTH_TOKENS})
    round_ = round_.model_copy(
        update={"training": training, "work_path": folder.resolve(), "preprocessing": PREPROCESSING}
    )
    base = cut_model(MINILM.resolve(), LAYERS, folder.resolve() / "base", ())
    teaching = Teaching(None, people, lesson, heldout, fingerprint(list(labels)), known)
    plan = plan_student(round_, settings, teaching, str(base))
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
    """CPU time, tokenising too."""
    over_expert: float
    """The student's weights over the expert's, shared by its labels: what the flow takes as its cost."""
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


def student_stage(students: Mapping[str, EngineModel], expert: Path, calibrate: DrawnRows) -> StudentStage:
    """Have the student read the calibration draw; `expert` is the fp32 graph of an expert."""
    first = next(iter(students.values()))
    engine = open_engine(first.folder, False, None)[1]
    guesses, seconds = _read(engine, students, calibrate.texts)
    own = multiplied_weights(Path(first.folder) / first.in_fp32().graph)
    return StudentStage(
        rows=calibrate,
        stages=np.stack([calibrate.guesses, guesses], axis=2),
        seconds_a_text=seconds / len(calibrate.texts),
        over_expert=own / multiplied_weights(expert) / len(students),
        labels=tuple(students),
    )


def _read(engine: Engine, students: Mapping[str, EngineModel], texts: list[str]) -> tuple[Floats, float]:
    first = next(iter(students.values()))
    tokenizer = open_tokenizer(str(first.tokenizer_path), first.max_length_tokens)
    started = time.process_time()
    rows = [encoding.ids for encoding in tokenizer.encode_batch(preprocess(first.preprocessing, texts))]
    logits = engine.logits(rows)
    seconds = time.process_time() - started
    return np.stack([margins(logits, one.positive_index, one.head) for one in students.values()], axis=1), seconds
