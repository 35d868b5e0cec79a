"""Labelled data with the field's faults of training, which is not in the repository, behaves as its README says."""

import pytest

from tasks.core.base.markdown import markdown_table
from tasks.core.round.round_file import read_round
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.selection import select_seed
from tasks.core.training.seeds.train_seed import train_seed
from tests.support.studies import prepare_study


@pytest.mark.slow
def test_texts_without_words_cost_tfidf_its_row_and_nothing_else(field, make_round):
    path = field("texts_without_words") / "l.csv"
    label = path.read_text(encoding="utf-8").splitlines()[0].split(",")[-1]
    round_ = read_round(make_round(labels={label: label}, labelled_data={"path": str(path)}))
    plans = plan_seeds(round_, prepare_study(round_, label), round_.base_model)
    for plan in plans:
        train_seed(plan, lambda *_: None)
    comparison = compare_models(select_seed(plans, {}), "tiny")
    assert comparison.left_out.keys() == {"tfidf"}
    assert "TF-IDF" not in markdown_table(comparison.rows())
    assert len(comparison.rows()) == 4
