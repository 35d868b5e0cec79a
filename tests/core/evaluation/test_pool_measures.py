"""Tied seeds on the pool and the variety of texts, beside what a person would reckon."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tasks.core.evaluation.diversity import text_diversity
from tasks.core.evaluation.text_vectors import checkpoint_vectors, word_vectors
from tasks.core.evaluation.tied_seeds import StratumLabels, compare_on_pool, weighted_precisions
from tests.support.tiny import save_tiny_checkpoint


@pytest.fixture(scope="module")
def pool():
    """20,000 texts of which 1 in 50 is true; 400 labels, more of the best-ranked."""
    draw = np.random.default_rng(0)
    truth = draw.random(20_000) < 0.02
    good = truth * 2.5 + draw.normal(size=20_000)
    poor = truth * 0.5 + draw.normal(size=20_000)
    order = np.argsort(-good)
    strata = [order[:200], order[200:2_000], order[2_000:]]
    rows = [draw.choice(own, 200, replace=False) for own in strata]
    labels = StratumLabels(
        truth[np.concatenate(rows)],
        np.repeat([0, 1, 2], 200),
        np.concatenate([np.full(200, len(own) / 200) for own in strata]),
    )
    return labels, {7: good[np.concatenate(rows)], 3: poor[np.concatenate(rows)]}, truth, good


def test_the_pool_says_that_validation_chose_the_wrong_seed(pool):
    labels, scores, truth, good = pool
    found = compare_on_pool(labels, scores, winner=3)
    assert found["verdict"] == "disagrees"
    assert found["sentence"].startswith("the pool disagrees with validation: seed 7 is ahead of the selected seed 3")
    seed = next(one for one in found["seeds"] if one["seed"] == 7)
    assert seed["average_precision"] == pytest.approx(average_precision_score(truth, good), abs=0.15)


def test_the_pool_agrees_with_a_right_choice(pool):
    labels, scores, *_ = pool
    assert compare_on_pool(labels, scores, winner=7)["verdict"] == "agrees"
    twins = {7: scores[7], 8: scores[7] + 1e-9}
    assert compare_on_pool(labels, twins, winner=8)["verdict"] in {"agrees", "unclear"}


def test_weighted_average_precision_is_scikit_learn_s_ties_included(pool):
    labels, scores, *_ = pool
    tied = np.round(scores[7], 1)
    times = np.random.default_rng(0).integers(0, 3, (5, 600)).astype(float)
    found = weighted_precisions(labels, tied, times)
    for own, row in zip(found, times, strict=True):
        weights = labels.weights * row
        assert own == pytest.approx(average_precision_score(labels.answers, tied, sample_weight=weights))
    assert np.isnan(weighted_precisions(labels, tied, np.zeros((1, 600))))


@pytest.mark.parametrize("answer", [True, False])
def test_labels_that_are_all_alike_tell_nothing(pool, answer):
    labels, scores, *_ = pool
    alike = StratumLabels(np.full(600, answer), labels.strata, labels.weights)
    assert compare_on_pool(alike, scores, winner=7)["verdict"] == "unclear"


def test_distances_are_those_of_all_pairs():
    vectors = np.random.default_rng(0).normal(size=(2_300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = text_diversity(vectors, "words")
    apart = 1 - (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(apart, 0)
    assert found.mean_pairwise == pytest.approx(apart.sum() / (2_300 * 2_299), rel=1e-5)
    assert found.mean_largest == pytest.approx(apart.max(axis=1).mean(), rel=1e-5)


def test_texts_that_say_the_same_are_near_and_one_text_has_no_distance():
    alike = text_diversity(word_vectors(["lost my job today"] * 5), "words")
    unlike = text_diversity(word_vectors(["lost my job", "new shoes", "great match yesterday"]), "words")
    assert alike.mean_pairwise == pytest.approx(0, abs=1e-6)
    assert unlike.mean_pairwise == pytest.approx(1)
    assert text_diversity(word_vectors(["alone"]), "words") is None
    assert text_diversity(word_vectors(["😭", "!"]), "words").mean_pairwise == 1


def test_a_checkpoint_s_vectors_do_not_depend_on_what_else_is_in_the_batch(tiny_bert, tmp_path):
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", ("positive",), seed=1)
    alone = checkpoint_vectors(checkpoint, ["good day"])
    beside = checkpoint_vectors(checkpoint, ["good day", "a bad day and a very long text about it " * 3])
    assert beside[0] == pytest.approx(alone[0], abs=1e-5)
    assert np.linalg.norm(beside, axis=1) == pytest.approx(1, abs=1e-5)
