"""Figures by the names that MLflow's pages group by."""

import pytest

from tasks.records.metric_names import metric_name


@pytest.mark.parametrize(
    ("figure", "metric"),
    [
        ("validation_average_precision", "validation/average_precision"),
        ("test_f1.joy", "test/f1.joy"),
        ("curve_validation_f1", "curve/validation_f1"),
        ("threshold.positive", "threshold/positive"),
        ("core_seconds", "cost/core_seconds"),
        ("baseline/tfidf/test_f1", "baseline/tfidf/test_f1"),
        ("texts", "texts"),
    ],
)
def test_a_figure_stands_in_its_section(figure, metric):
    assert metric_name(figure) == metric
    assert metric_name(metric) == metric
