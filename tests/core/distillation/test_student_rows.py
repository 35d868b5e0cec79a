"""What a student's rows hold: lessons to train on, people's labels to be judged by."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.hard_targets import with_hard_targets
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.distillation.student_plan import Teaching, plan_student
from tasks.core.distillation.student_rows import labelled_rows
from tasks.core.distillation.text_rows import Lesson
from tasks.core.round.distillation_section import Distillation
from tasks.core.training.seeds.seed_plan import Mixing
from tests.support.studies import prepare_study

LABELS = ("positive", "negative")
LESSON = Lesson([f"text {number}" for number in range(6)], np.linspace(0.2, 0.9, 12).reshape(6, 2))


@pytest.fixture
def people(tiny_round):
    studies = [prepare_study(tiny_round, label) for label in LABELS]
    return labelled_rows(studies, LABELS, "multi_label", "student")


def test_each_label_is_judged_by_the_test_rows_of_its_own_study(people, tiny_round, tmp_path):
    written = people.taught(LESSON, Distillation()).write(tmp_path, hard=False)
    for split in ("validation", "test"):
        read = read_split(written.path, LABELS, split)
        for column, label in enumerate(LABELS):
            own = prepare_study(tiny_round, label)
            wanted = read_split(own.path, (label,), split)
            known = ~np.isnan(read.targets[:, column])
            found = dict(zip(np.array(read.texts)[known], read.targets[known, column], strict=True))
            assert found == dict(zip(wanted.texts, wanted.targets[:, 0], strict=True))


def test_the_experts_alone_teach_where_alpha_is_nothing(people, tmp_path):
    written = people.taught(LESSON, Distillation()).write(tmp_path, hard=False)
    train = read_split(written.path, LABELS, "train")
    assert train.texts == LESSON.texts
    assert train.targets.tolist() == LESSON.targets.tolist()
    assert "hard_positive" not in pq.read_schema(written.path).names
    assert written.rows["train"] == 6


def test_peoples_labels_stand_beside_the_experts_where_a_text_has_both(people, tmp_path):
    known = next(iter(people.splits["train"].texts))
    lesson = Lesson([known, *LESSON.texts[1:]], LESSON.targets)
    written = people.taught(lesson, Distillation(alpha=0.5)).write(tmp_path, hard=True)
    train = with_hard_targets(written.path, LABELS, read_split(written.path, LABELS, "train"))
    assert train.targets.shape == (6 + len(people.splits["train"].texts) - 1, 4)
    assert np.isfinite(train.targets[0]).sum() >= 3
    assert np.isnan(train.targets[1:6, 2:]).all()
    assert np.isnan(train.targets[6:, :2]).all()


def test_the_experts_word_can_be_a_hard_target(people, tmp_path):
    settings = Distillation(alpha=0.5, temperature=5, hard_targets="experts")
    written = people.taught(LESSON, settings).write(tmp_path, hard=True)
    train = with_hard_targets(written.path, LABELS, read_split(written.path, LABELS, "train"))
    assert train.targets[:, 2:].tolist() == (LESSON.targets >= 0.5).astype(float).tolist()


def test_a_temperature_alone_needs_no_hard_target(people, tiny_round, tmp_path):
    settings = Distillation(temperature=5, texts=100, heldout_texts=200)
    teaching = Teaching(None, people, LESSON, Lesson(["held out"], LESSON.targets[:1]), "digest", {})
    student = plan_student(tiny_round, settings, teaching, tiny_round.base_model)
    (seed,) = student.seeds
    assert seed.mixing == Mixing(0.0, 5.0)
    train = with_hard_targets(student.taught.path, LABELS, read_split(student.taught.path, LABELS, "train"))
    assert np.isnan(train.targets[:, 2:]).all()
    plain = plan_student(tiny_round, Distillation(), teaching, tiny_round.base_model)
    assert plain.seeds[0].mixing is None
    assert plain.seeds[0].config_hash != seed.config_hash


@pytest.mark.parametrize("low", [0.0, 0.6])
def test_hard_targets_that_are_all_the_same_are_refused(people, low):
    lesson = Lesson(LESSON.texts, np.stack([np.full(6, low), LESSON.targets[:, 1]], axis=1))
    settings = Distillation(alpha=0.5, hard_targets="experts")
    with pytest.raises(InputDataError, match=f"all 6 hard targets of 'positive' are {int(low >= 0.5)}, which would"):
        people.taught(lesson, settings)


def test_a_text_is_learnt_once_and_none_that_judges():
    lesson = Lesson(["a", "b", "a", "c"], np.arange(4.0).reshape(4, 1))
    kept = lesson.without({"b"})
    assert kept.texts == ["a", "c"]
    assert kept.targets.tolist() == [[0.0], [3.0]]
