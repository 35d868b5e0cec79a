"""From experts' runs to a judged student, beside them in a table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import sha256_of_folder
from tasks.core.distillation.judgement import choose_seed, read_judgement
from tasks.core.distillation.lessons import Pupil, ask_teacher, open_experts, plan_pupil, pupils_of
from tasks.core.distillation.model_scores import checkpoint_scores
from tasks.core.distillation.student_base import larger_than_its_teacher, make_base
from tasks.core.distillation.student_table import compare_student
from tasks.core.distillation.teach import teach_seed
from tasks.core.round.distillation_section import Student
from tests.support.studies import prepare_study

pytestmark = pytest.mark.slow

LONG = {"epochs": 8, "batch_size": 8, "learning_rate": 2e-3}


def with_settings(round_, **changes):
    settings = type(round_.distillation).model_validate(round_.distillation.model_dump() | changes)
    return round_.model_copy(update={"distillation": settings})


def studies_of(round_):
    return [prepare_study(round_, label) for label in round_.active_labels]


def own_runs(round_):
    return sorted(round_.inference.output_path.iterdir())


def plan_of_pupil(round_, pupil, base_model=None):
    experts = open_experts(round_, round_.distillation, own_runs(round_))
    return experts, plan_pupil(round_, pupil, ask_teacher(round_, experts), experts, base_model or round_.base_model)


def ignore(_, figures):
    assert figures


@pytest.mark.usefixtures("runs")
def test_one_student_of_all_labels_learns_what_the_experts_think_and_is_judged(taught_round):
    round_ = with_settings(taught_round, one_student=True, seeds=[1, 2], tops=[0.1], **LONG)
    (pupil,) = pupils_of(round_, round_.distillation, studies_of(round_))
    assert (pupil.label, pupil.head) == (None, "multi_label")
    experts, student = plan_of_pupil(round_, pupil)
    taught = [teach_seed(student, plan, round_.distillation, ignore) for plan in student.seeds]
    heldout = student.heldout.read(student.labels)
    own = checkpoint_scores(taught[0].plan.folder, heldout.texts).scores
    for column in range(2):
        wanted = heldout.targets[:, column]
        assert abs(own[:, column] - wanted).mean() < abs(wanted - wanted.mean()).mean()
        assert np.corrcoef(own[:, column], wanted)[0, 1] > 0.6
    shares = taught[0].judgement.passed()
    assert [(share.label, share.best_texts) for share in shares] == [("negative", 20), ("positive", 20)]
    assert all(0.1 <= share.passed_share <= 1 for share in shares)
    assert all(share.certified_share >= share.passed_share for share in shares)
    assert choose_seed(taught).judgement.mean_certified == min(one.judgement.mean_certified for one in taught)

    again = teach_seed(student, student.seeds[0], round_.distillation, ignore)
    assert again == taught[0]
    for other in ({"recall": 0.5}, {"confidence": 0.9}, {"seeds": (1,)}):
        assert read_judgement(student, student.seeds[0], round_.distillation.model_copy(update=other)) is None

    table = compare_student(student, taught, experts)
    assert table.left_out == {}
    names = [row["Models"] for row in table.table() if row["label"] == "positive"]
    assert names == [
        "Random", "TF-IDF + logistic regression", "2 experts", "mean probability of 2 experts", "student, 2 seeds",
    ]  # fmt: skip
    assert all(row["texts/s a core"] for row in table.table() if row["Models"] != "Random")


@pytest.mark.usefixtures("runs")
def test_a_label_of_its_own_has_a_student_cut_from_the_base_model_with_hard_labels_mixed_in(taught_round, tmp_path):
    round_ = with_settings(taught_round, alpha=0.5, temperature=5, student={"layers": [0]})
    pupils = pupils_of(round_, round_.distillation, studies_of(round_))
    assert [(pupil.study, pupil.head) for pupil in pupils] == [
        ("student-negative", "binary"), ("student-positive", "binary"),
    ]  # fmt: skip
    base = make_base(round_.distillation.student, Path(round_.base_model), tmp_path, ["other", "positive"], 1)
    experts, student = plan_of_pupil(round_, pupils[1], str(base))
    (plan,) = student.seeds
    assert plan.mixing is not None
    assert plan.config_hash != replace(plan, mixing=None).config_hash
    taught = teach_seed(student, plan, round_.distillation, ignore)
    assert "validation_average_precision" in taught.result.metrics
    assert larger_than_its_teacher(base, experts) is None
    assert student.experts == {"positive": tuple(expert.name for expert in experts)}


@pytest.mark.usefixtures("runs")
def test_the_experts_word_as_constant_hard_target_stops_the_plan(taught_round):
    round_ = with_settings(taught_round, alpha=0.5, hard_targets="experts")
    for pupil in pupils_of(round_, round_.distillation, studies_of(round_)):
        experts = open_experts(round_, round_.distillation, own_runs(round_))
        teacher = ask_teacher(round_, experts)
        constant = replace(teacher, scores=teacher.scores / 3)
        with pytest.raises(InputDataError, match="would teach the student one answer"):
            plan_pupil(round_, pupil, constant, experts, round_.base_model)


@pytest.mark.usefixtures("runs")
def test_a_student_larger_than_its_teacher_is_told(taught_round, tiny_bert, tmp_path):
    wide = Student(start="configuration", configuration={"hidden_size": 64, "num_hidden_layers": 3})
    base = make_base(wide, tiny_bert, tmp_path, ["other", "positive"], 1)
    experts = open_experts(taught_round, taught_round.distillation, own_runs(taught_round))
    warning = larger_than_its_teacher(base, experts)
    assert warning is not None
    assert "parameters, more than an expert's" in warning


@pytest.mark.usefixtures("runs")
def test_the_same_plan_gives_the_same_bytes_and_learns_no_text_that_judges(taught_round):
    (_, pupil) = pupils_of(taught_round, taught_round.distillation, studies_of(taught_round))
    _, student = plan_of_pupil(taught_round, pupil)
    before = sha256_of_folder(Path(student.taught.path).parent)
    _, again = plan_of_pupil(taught_round, pupil)
    assert again == student
    assert sha256_of_folder(Path(student.taught.path).parent) == before
    assert isinstance(pupil, Pupil)
