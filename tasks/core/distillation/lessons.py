"""From experts' runs to planned students: the teacher asked once, each student's texts drawn by its own labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.round_names import student_study
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.distillation.expert_scores import ExpertRunFolder, open_expert
from tasks.core.distillation.lesson_draw import draw_rows
from tasks.core.distillation.scored_texts import texts_of
from tasks.core.distillation.student_plan import StudentPlan, Teaching, plan_student
from tasks.core.distillation.student_rows import labelled_rows
from tasks.core.distillation.teacher import Teacher, ask_experts
from tasks.core.distillation.text_rows import Lesson
from tasks.core.round.distillation_section import Distillation, ExpertRun
from tasks.core.round.model import Round
from tasks.core.round.sections import Head


@dataclass(frozen=True)
class Pupil:
    """A student by what it is to score."""

    label: str | None
    """The student learns this label alone; None stands for all of the round's."""
    labels: tuple[str, ...]
    head: Head
    studies: tuple[LabelledSplits, ...]
    """The human labels of its labels lie in these splits."""

    @property
    def study(self) -> str:
        """What its training is called: `student`, or `student-is_unemployed`."""
        return student_study(self.label)


def pupils_of(round_: Round, settings: Distillation, studies: Sequence[LabelledSplits]) -> list[Pupil]:
    """Return the students that a round teaches: one for all labels, or one a label where each has a model."""
    labels, head = tuple(round_.active_labels), round_.training.head
    if head != "binary" or len(labels) == 1:
        return [Pupil(None, labels, head, tuple(studies))]
    if settings.one_student:
        return [Pupil(None, labels, "multi_label", tuple(studies))]
    return [Pupil(study.study, study.labels, head, (study,)) for study in studies]


def open_experts(round_: Round, settings: Distillation, seeds: Sequence[Path]) -> list[ExpertRunFolder]:
    """Open the runs that the settings name, or else those of the round's own seeds.

    Raises:
        InputDataError: there is none, or one has scored none of the labels.
        RunFolderError: one is no finished run.
    """
    named = [*settings.experts.values()] or [ExpertRun(run=path) for path in seeds]
    if not named:
        raise InputDataError("distillation.experts names no run, and the round has no seeds: nobody is there to teach")
    return [open_expert(expert.run, tuple(round_.active_labels), expert.labels) for expert in named]


def ask_teacher(round_: Round, experts: Sequence[ExpertRunFolder]) -> Teacher:
    """Return what the experts think on average of every text of the sample."""
    return ask_experts((expert.read() for expert in experts), tuple(round_.active_labels), round_.preprocessing)


def plan_pupil(
    round_: Round, pupil: Pupil, teacher: Teacher, experts: Sequence[ExpertRunFolder], base_model: str
) -> StudentPlan:
    """Draw a student's texts by what the teacher thinks of its labels, and plan its seeds."""
    settings = round_.distillation or Distillation()
    columns = [teacher.labels.index(label) for label in pupil.labels]
    scores = teacher.scores[:, columns]
    draw = draw_rows(scores, settings)
    lesson, heldout = (Lesson(texts_of(experts[0], rows), scores[rows]) for rows in (draw.learnt, draw.heldout))
    own = {label: teacher.experts[label] for label in pupil.labels}
    people = labelled_rows(pupil.studies, pupil.labels, pupil.head, pupil.study)
    teaching = Teaching(pupil.label, people, lesson, heldout, teacher.digest, own)
    return plan_student(round_, settings, teaching, base_model)
