"""The experts' mean probability, and experts whose scores cannot be put together."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.distillation.expert_scores import ExpertScores
from tasks.core.distillation.teacher import ask_experts

LABELS = ("joy", "anger")
SCORES = np.array([[0.1, 0.9], [0.2, 0.8], [0.4, 0.5]])
ABOVE, BELOW = np.zeros((2, 3, 2))
ABOVE[1, 1], BELOW[2, 0] = 0.3, 0.5


def expert(name="a", labels=LABELS, scores=SCORES, **changes):
    ids = pa.chunked_array([pa.array([7, 8, 9], pa.int64())])
    return replace(ExpertScores(name, "sample", "none", labels, ids, np.array(scores)), **changes)


def test_the_teacher_is_the_mean_of_the_experts():
    teacher = ask_experts([expert(), expert("b", scores=SCORES**2)], LABELS, "none")
    assert np.allclose(teacher.scores, (SCORES + SCORES**2) / 2)
    assert teacher.experts == {"joy": ("a", "b"), "anger": ("a", "b")}


def test_an_expert_may_know_some_of_the_labels_alone():
    own = expert("b", ("anger",), [[0.5], [0.2], [0.1]])
    teacher = ask_experts([expert(), own], LABELS, "none")
    assert teacher.scores[:, 0].tolist() == SCORES[:, 0].tolist()
    assert np.allclose(teacher.scores[:, 1], [0.7, 0.5, 0.3])
    assert teacher.experts == {"joy": ("a",), "anger": ("a", "b")}


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (expert("b", LABELS[::-1]), r"the expert b has the labels \['anger', 'joy'\], which are not in the round's"),
        (expert("b", preprocessing="tweet"), "the expert b read texts after the preprocessing 'tweet'"),
        (expert("b", scores=SCORES * [1, np.nan]), "the expert b has 3 scores that are missing .* id 7 for 'anger'"),
        (
            expert("b", scores=SCORES + ABOVE),
            "b has 1 scores .* of id 8 for 'anger', is 1.1",
        ),
        (
            expert("b", scores=SCORES - BELOW),
            "b has 1 scores .* of id 9 for 'joy', is -0.0",
        ),
        (expert("b", sample="another"), "the experts a and b scored different samples"),
        (expert("b", ids=pa.chunked_array([[7, 8]]), scores=SCORES[:2]), "not the same rows: 3 and 2"),
        (expert("b", ids=pa.chunked_array([[7, 9, 8]])), "scored the same files, but not the same rows"),
    ],
)
def test_an_expert_whose_scores_cannot_be_joined_is_refused_by_name(bad, complaint):
    with pytest.raises(InputDataError, match=complaint):
        ask_experts([expert(), bad], LABELS, "none")


def test_a_label_without_an_expert_is_named():
    with pytest.raises(InputDataError, match=r"no expert has scored \['joy'\]"):
        ask_experts([expert("b", ("anger",), [[0.5], [0.2], [0.1]])], LABELS, "none")


def test_experts_without_an_opinion_teach_nothing():
    flat = expert(scores=SCORES * [1, 0])
    with pytest.raises(InputDataError, match="every one of 3 texts the same probability of 'anger'"):
        ask_experts([flat], LABELS, "none")
