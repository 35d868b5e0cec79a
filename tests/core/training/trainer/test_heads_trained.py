"""A model of several labels trained from people's data, through to an engine model."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.predictions import read_predictions
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.selection import select_seed
from tasks.core.training.seeds.train_seed import train_seed
from tasks.core.training.trainer.checkpoint import read_card
from tests.support.tiny import make_sentences
from tests.support.tiny_conversion import convert_tiny


def class_of(text):
    return "good" if "good" in text else "bad" if "bad" in text else "plain"


@pytest.fixture
def plan(tiny_round, tmp_path):
    texts = make_sentences(180, seed=3)
    table = pa.table({"tweet_id": list(range(180)), "text": texts, "mood": [class_of(text) for text in texts]})
    pq.write_table(table, tmp_path / "moods.parquet")
    data = tiny_round.labelled_data.model_copy(update={"path": tmp_path / "moods.parquet", "label_column": "mood"})
    changes = {"head": "multi_class", "seeds": (1,), "epochs": 20, "learning_rate": 2e-3, "bootstrap_resamples": 100}
    training = tiny_round.training.model_copy(update=changes)
    labels = {"happy": "good", "sad": "bad", "neither": "plain"}
    request = StudyRequest("multi_class", labels, "multi_class", "average_precision", "none")
    round_ = tiny_round.model_copy(update={"training": training, "labelled_data": data})
    return plan_seeds(round_, prepare_splits(data, request, tmp_path / "splits"), round_.base_model)[0]


@pytest.mark.slow
def test_classes_are_learned_selected_compared_and_converted(plan, tmp_path):
    result = train_seed(plan, lambda _number, _figures: None)
    assert result.metrics["test_average_precision"] > 0.6
    assert {"test_f1.happy", "test_f1.sad", "test_f1.neither"} <= result.metrics.keys()
    rows = read_predictions(plan, "test", plan.splits.labels)
    assert rows.scores.sum(axis=1) == pytest.approx(np.ones(len(rows.scores)))
    comparison = compare_models(select_seed([plan], {}), "tiny")
    assert set(comparison.tables) == {"happy", "sad", "neither"}
    assert read_card(plan.folder).labels == ("happy", "sad", "neither")
    engine = convert_tiny(plan.folder, ("sad",), tmp_path / "engine")["sad"]
    assert (engine.head, engine.positive_index) == ("multi_class", 1)
