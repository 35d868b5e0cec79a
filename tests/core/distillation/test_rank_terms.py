"""What a screen lets pass to keep the teacher's best."""

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.distillation.rank_terms import at_best, certified, judge, pass_share
from tasks.core.screening.promise import Promise
from tests.support.kept_promises import keeps

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


def noisy_pool(texts, students=1, seed=0):
    """Return a teacher's scores, and those of students that are as good as each other."""
    random = np.random.default_rng(seed)
    teacher = random.normal(size=texts)
    return teacher, teacher[:, None] + random.normal(0, 0.7, (texts, students))


def test_at_best_misses_are_those_that_the_recall_leaves_and_by_the_bound_fewer():
    assert [at_best(count, 0.99) for count in (99, 100, 299, 1_000)] == [0, 1, 2, 10]
    assert [certified(count, Promise()) for count in (299, 300, 474, 1_050)] == [None, 0, 1, 5]
    teacher, student = noisy_pool(4_000)
    columns = [np.repeat(scores.reshape(-1, 1), 2, axis=1) for scores in (teacher, student)]
    found = judge(*columns, ("joy", "fear"), [0.05, 0.1], 0.9, 0.95)
    assert [(share.label, share.top_share) for share in found] == [
        ("joy", 0.05), ("fear", 0.05), ("joy", 0.1), ("fear", 0.1),
    ]  # fmt: skip
    assert [share.misses for share in found] == [20, 20, 40, 40]
    assert [share.certified_misses for share in found] == [12, 12, 29, 29]
    assert all(share.certified_share > share.passed_share for share in found)


def test_where_the_best_texts_are_too_few_for_a_bound_all_must_pass_and_it_says_how_many_it_needs():
    (share,) = judge(TEACHER[:, None], TEACHER[:, None], ("joy",), [0.1], 0.99, 0.95)
    assert (share.best_texts, share.certified_misses, share.certified_share) == (100, None, 1.0)
    assert share.best_texts_needed == 300
    assert share.passed_share < 0.11


def kept_of_pool(teacher, student, rows, misses, top):
    """Return which share of the pool's best a screen keeps whose threshold some held-out rows gave."""
    heldout, least = student[rows], np.quantile(teacher[rows], 1 - top, method="higher")
    threshold = np.sort(heldout[teacher[rows] >= least])[misses]
    return (student[teacher >= least] >= threshold).mean(), (heldout >= threshold).mean()


@pytest.mark.parametrize("students", [1, 8])
def test_what_is_certified_keeps_the_recall_of_the_pool_for_the_student_that_is_chosen(students):
    teacher, guesses = noisy_pool(40_000, students)
    promise, random, kept = Promise(0.05, 0.9, 0.9), np.random.default_rng(1), []
    misses = certified(200, promise.shared_by(students))
    for _ in range(200):
        rows = random.integers(0, len(teacher), 4_000)
        found = [kept_of_pool(teacher, guess, rows, misses, promise.top_share) for guess in guesses.T]
        kept.append(min(found, key=lambda one: one[1])[0])
    assert keeps(np.array(kept), promise)


@pytest.mark.parametrize(("students", "misses"), [(1, at_best(200, 0.9)), (8, certified(200, Promise(0.05, 0.9, 0.9)))])
def test_at_best_or_with_a_confidence_that_seeds_do_not_share_it_is_kept_too_seldom(students, misses):
    teacher, guesses = noisy_pool(40_000, students)
    promise, random, kept = Promise(0.05, 0.9, 0.9), np.random.default_rng(1), []
    for _ in range(200):
        rows = random.integers(0, len(teacher), 4_000)
        found = [kept_of_pool(teacher, guess, rows, misses, promise.top_share) for guess in guesses.T]
        kept.append(min(found, key=lambda one: one[1])[0])
    assert not keeps(np.array(kept), promise)


def test_too_few_heldout_texts_for_a_top_are_told():
    with pytest.raises(InputDataError, match="100 held-out texts hold none of such a top: raise"):
        judge(TEACHER[:100, None], TEACHER[:100, None], ("joy",), [0.005], 0.99, 0.95)
