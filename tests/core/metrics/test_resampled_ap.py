import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from tasks.core.metrics.bootstrap import draw_resamples, resampled_values
from tasks.core.metrics.resampled_ap import average_precisions


@pytest.mark.parametrize("digits", [1, 2, 16], ids=["many ties", "some ties", "no ties"])
@pytest.mark.parametrize("blank", [0.0, 0.3])
def test_every_resample_has_scikit_learns_average_precision(digits, blank):
    draw = np.random.default_rng(7)
    targets = np.where(draw.random(300) < blank, np.nan, draw.random(300))
    scores = np.round(0.4 * np.nan_to_num(targets) + 0.6 * draw.random(300), digits)
    resamples = [np.arange(300), *draw_resamples(targets[:, None], 100)]
    expected = [
        average_precision_score(targets[known] >= 0.5, scores[known])
        for known in (rows[~np.isnan(targets[rows])] for rows in resamples)
    ]
    assert average_precisions(targets, scores, resamples) == pytest.approx(np.array(expected), rel=1e-12)


def test_a_resample_that_cannot_be_ranked_has_none():
    found = average_precisions(np.array([0.0, 1.0, np.nan]), np.array([0.1, 0.9, 0.5]), [[0, 0], [1, 2], [1, 0]])
    assert np.isnan(found).tolist() == [True, True, False]
    assert found[2] == 1


def test_labels_are_averaged_where_they_can_be_ranked():
    targets, scores = np.array([[0.0, 1], [1, 1], [0, 1]]), np.array([[0.9, 0.1], [0.5, 0.2], [0.1, 0.3]])
    assert resampled_values("average_precision", "multi_label", targets, scores, [np.arange(3)]) == pytest.approx(0.5)
