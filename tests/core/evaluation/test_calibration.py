"""Calibration beside scikit-learn's, its threshold, and what it refuses."""

import json
import warnings

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.calibration import _sigmoid_calibration
from sklearn.linear_model import LogisticRegression

from tasks.core.base.errors import EvaluationError, TornRecordError
from tasks.core.evaluation.calibration import (
    CalibratedModel,
    calibrate,
    read_calibration,
    write_calibration,
)
from tasks.core.evaluation.platt import draw_bootstraps, fit_curves
from tasks.core.round.evaluation_section import CalibrationSettings

MODEL = CalibratedModel("grief", "us.grief", "3", "0123456789ab")
QUICK = CalibrationSettings(bootstraps=300)


@pytest.fixture(scope="module")
def labelled():
    """400 texts whose labels follow their log-odds by a known curve, which crosses 0.5 at -1."""
    draw = np.random.default_rng(0)
    log_odds = draw.normal(-2, 3, 400)
    return expit(log_odds), (draw.random(400) < expit(1.2 * log_odds + 1.2)).astype(float)


def one_bootstrap(labelled):
    scores, answers = labelled
    positives, negatives = next(draw_bootstraps(answers == 1, 1, True, np.random.default_rng(5)))
    return logit(scores[positives]), logit(scores[negatives])


def test_one_bootstrap_is_fitted_as_scikit_learn_fits_it(labelled):
    positives, negatives = one_bootstrap(labelled)
    curves = fit_curves(positives, negatives)
    x = np.concatenate([positives[0], negatives[0]])
    truth = np.repeat([1, 0], [positives.shape[1], negatives.shape[1]])
    slope, intercept = _sigmoid_calibration(x, truth)
    assert (curves.slopes[0], curves.intercepts[0]) == pytest.approx((-slope, -intercept), abs=1e-4)
    drawn_in = (truth * positives.shape[1] + 1) / (np.where(truth, positives.shape[1], negatives.shape[1]) + 2)
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model.fit(np.tile(x, 2)[:, None], np.repeat([1, 0], len(x)), np.concatenate([drawn_in, 1 - drawn_in]))
    assert curves.slopes[0] == pytest.approx(model.coef_[0, 0], rel=1e-5)
    assert curves.intercepts[0] == pytest.approx(model.intercept_[0], rel=1e-5)


def test_bootstraps_are_balanced_and_negatives_are_cut_anew_for_each(labelled):
    scores, answers = labelled
    positives, negatives = next(draw_bootstraps(answers == 1, 50, True, np.random.default_rng(0)))
    assert positives.shape == negatives.shape == (50, int(min(answers.sum(), (1 - answers).sum())))
    assert (answers[positives] == 1).all()
    assert (answers[negatives] == 0).all()
    plain = next(draw_bootstraps(answers == 1, 50, False, np.random.default_rng(0)))
    assert plain[0].shape[1] + plain[1].shape[1] == len(scores)


def test_labels_that_scores_part_perfectly_still_have_a_curve():
    curves = fit_curves(np.linspace(2, 5, 20)[None], np.linspace(-5, -2, 20)[None])
    assert 0 < curves.slopes[0] < 10
    assert curves.crossings()[0] == pytest.approx(0, abs=1e-6)


def test_classes_far_apart_are_fitted_although_a_whole_step_overshoots():
    """Of classes that a threshold parts, Platt's targets are the optimum: Newton's whole steps end elsewhere."""
    draw = np.random.default_rng(0)
    curves = fit_curves(draw.normal(30, 1, (200, 8)), draw.normal(-30, 1, (200, 58)))
    above, below = (expit(curves.slopes * at + curves.intercepts) for at in (30, -30))
    np.testing.assert_allclose(above, 9 / 10, atol=0.02)
    np.testing.assert_allclose(below, 1 / 60, atol=0.02)


def test_the_curve_is_near_the_truth_and_its_threshold_is_where_it_crosses_a_half(labelled):
    found = calibrate(MODEL, *labelled, CalibrationSettings(balanced=False, bootstraps=1_000))
    scores = expit(np.linspace(-6, 4, 30))
    assert found.probability(scores) == pytest.approx(expit(1.2 * logit(scores) + 1.2), abs=0.1)
    assert found.probability([found.threshold])[0] == pytest.approx(0.5, abs=1e-3)
    assert found.threshold_low < expit(-1) < found.threshold_high
    assert found.threshold_low < found.threshold < found.threshold_high


def test_the_kept_points_give_the_mean_of_all_bootstraps(labelled):
    scores, answers = labelled
    found = calibrate(MODEL, scores, answers, QUICK)
    drawn = draw_bootstraps(answers == 1, QUICK.bootstraps, True, np.random.default_rng(QUICK.draw_seed))
    positives, negatives = next(drawn)
    curves = fit_curves(logit(scores[positives]), logit(scores[negatives]))
    at = np.linspace(-20, 20, 997)
    true = curves.mean(at)
    assert abs(found.probability(expit(at)) - true).max() < 1e-3
    assert (abs(found.probability(expit(at)) - true) <= 3e-3 * np.minimum(true, 1 - true) + 1e-6).all()


def test_the_same_labels_give_the_same_file_and_it_reads_back(labelled, tmp_path):
    found = calibrate(MODEL, *labelled, QUICK)
    write_calibration(tmp_path / "calibration.json", found)
    assert read_calibration(tmp_path / "calibration.json") == found == calibrate(MODEL, *labelled, QUICK)
    said = json.loads((tmp_path / "calibration.json").read_text())
    (tmp_path / "calibration.json").write_text(json.dumps(said | {"threshold": 0.1}))
    with pytest.raises(TornRecordError, match="altered"):
        read_calibration(tmp_path / "calibration.json")


def test_isotonic_rises_and_crosses_a_half(labelled):
    found = calibrate(MODEL, *labelled, CalibrationSettings(method="isotonic", bootstraps=50))
    rising = found.probability(expit(np.linspace(-10, 10, 200)))
    assert (np.diff(rising) >= 0).all()
    assert found.probability([found.threshold])[0] == pytest.approx(0.5, abs=1e-6)


def test_undecided_labels_are_left_out(labelled):
    scores, answers = labelled
    more = calibrate(MODEL, np.append(scores, 0.5), np.append(answers, np.nan), QUICK)
    assert more == calibrate(MODEL, scores, answers, QUICK)


def test_few_positives_are_refused_with_how_many_are_lacking(labelled):
    scores, answers = labelled
    few = np.where(np.cumsum(answers) <= 3, answers, 0)
    with pytest.raises(EvaluationError, match=r"3 of its 400 labelled texts are true.*at least 7 more"):
        calibrate(MODEL, scores, few, QUICK)
    with pytest.raises(EvaluationError, match="0 of its 400 labelled texts are true"):
        calibrate(MODEL, scores, np.zeros(400), QUICK)


def test_all_positives_are_refused(labelled):
    with pytest.raises(EvaluationError, match="0 of its 400 labelled texts are false"):
        calibrate(MODEL, labelled[0], np.ones(400), QUICK)


@pytest.mark.parametrize("score", [float("nan"), -0.3, 1.5, float("inf")])
def test_a_score_that_is_no_probability_is_refused(labelled, score):
    scores, answers = labelled
    with pytest.raises(EvaluationError, match="1 of 400 scores are no probabilities"):
        calibrate(MODEL, np.append(scores[:-1], score), answers, QUICK)


def test_an_answer_that_is_neither_true_nor_false_is_refused(labelled):
    scores, answers = labelled
    with pytest.raises(EvaluationError, match=r"\[2\.0\] stand among them"):
        calibrate(MODEL, scores, np.append(answers[:-1], 2), QUICK)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_scores_that_fall_with_the_labels_are_refused(labelled, method):
    scores, answers = labelled
    with pytest.raises(EvaluationError, match=r"do not rise with the labels.*true texts"):
        calibrate(MODEL, scores, 1 - answers, CalibrationSettings(method=method, bootstraps=50))


def test_without_balance_a_rare_label_may_have_no_threshold():
    draw = np.random.default_rng(1)
    scores = expit(draw.normal(-3, 0.5, 2_000))
    answers = (draw.random(2_000) < 0.02).astype(float)
    how = CalibrationSettings(method="isotonic", balanced=False, bootstraps=20)
    with pytest.raises(EvaluationError, match=r"has no threshold|do not rise"):
        calibrate(MODEL, scores, answers, how)
