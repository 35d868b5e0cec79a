"""What a screen lets pass to keep the teacher's best."""

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.distillation.rank_terms import at_best, judge, pass_share

TEACHER = np.arange(1_000) / 1_000


def test_a_student_that_ranks_as_its_teacher_lets_no_other_text_pass():
    assert pass_share(TEACHER, TEACHER**3, 0.01, misses=0) == (10, 0.01)


def test_one_best_text_at_the_bottom_lets_everything_pass_unless_it_may_be_missed():
    student = TEACHER.copy()
    student[995] = -1
    assert pass_share(TEACHER, student, 0.01, misses=0) == (10, 1.0)
    assert pass_share(TEACHER, student, 0.01, misses=1) == (10, 0.009)


def test_ties_at_the_threshold_pass():
    assert pass_share(TEACHER, np.floor(TEACHER * 10), 0.01, misses=3)[1] == 0.1
    assert pass_share(TEACHER, 0 * TEACHER, 0.01, misses=3)[1] == 1.0


def test_misses_are_those_that_the_recall_leaves_or_that_a_bound_allows():
    assert [at_best(count, 0.99) for count in (99, 100, 299, 1_000)] == [0, 1, 2, 10]
    random = np.random.default_rng(0)
    noisy = TEACHER + random.normal(0, 0.05, 1_000)
    columns = [np.stack([scores, scores], axis=1) for scores in (TEACHER, noisy)]
    loose = judge(*columns, ("joy", "fear"), [0.05, 0.1], 0.9)
    strict = judge(*columns, ("joy", "fear"), [0.05, 0.1], 0.9, misses_allowed=lambda best, _: best // 50)
    assert [(share.label, share.top_share) for share in loose] == [
        ("joy", 0.05), ("fear", 0.05), ("joy", 0.1), ("fear", 0.1),
    ]  # fmt: skip
    assert [share.misses for share in loose] == [5, 5, 10, 10]
    assert all(one.passed_share > other.passed_share for one, other in zip(strict, loose, strict=True))


def test_too_few_heldout_texts_for_a_top_are_told():
    with pytest.raises(InputDataError, match="100 held-out texts hold none of such a top: raise"):
        judge(TEACHER[:100, None], TEACHER[:100, None], ("joy",), [0.005], 0.99)
