"""A model of several labels, from checkpoint to scores on disk."""

import shutil
from functools import cache

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tasks.core.base.errors import ModelFolderError
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.inference.scoring import score_shard
from tasks.core.preprocessing import preprocess
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import write_plan
from tests.support.plans import plan_of
from tests.support.records import change_record
from tests.support.tiny import make_sentences, save_tiny_checkpoint
from tests.support.tiny_conversion import convert_tiny

pytestmark = pytest.mark.slow

LABELS = ("joy", "anger", "fear")
TEXTS = [f"{text} @someone https://t.co/x" for text in make_sentences(40, seed=9)]


@pytest.fixture(scope="module")
def make_models(tiny_bert, tmp_path_factory):
    """Return a function that gives a head's checkpoint and engine models; each is converted once."""

    @cache
    def make(head):
        folder = tmp_path_factory.mktemp(head)
        checkpoint = save_tiny_checkpoint(tiny_bert, folder / "checkpoint", LABELS, 3, head, preprocessing="tweet")
        return checkpoint, convert_tiny(checkpoint, LABELS, folder / "engines")

    return make


@pytest.fixture
def score(tmp_path):
    def run(models, texts=TEXTS):
        (tmp_path / "sample").mkdir()
        table = pa.table({"tweet_id": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.string())})
        pq.write_table(table, tmp_path / "sample" / "a.parquet")
        sample = Sample(path=tmp_path / "sample")
        settings = Inference(output_path=tmp_path, shard_rows=100, batch_tokens=512)
        plan = plan_of(sample, models, settings)
        folder = RunFolder(tmp_path / "run")
        write_plan(plan, folder)
        score_shard(plan, plan.shards[0], folder)
        return {label: pq.read_table(folder.output_path(label, 0))["score"].to_numpy() for label in LABELS}

    return run


@pytest.mark.parametrize("head", ["multi_label", "multi_class"])
def test_every_label_has_the_scores_that_the_checkpoint_gives(make_models, score, head):
    checkpoint, models = make_models(head)
    scores = score(models)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    for row, text in enumerate(preprocess("tweet", TEXTS)):
        with torch.inference_mode():
            logits = model(**tokenizer(text, truncation=True, max_length=32, return_tensors="pt")).logits[0].double()
        expected = logits.sigmoid() if head == "multi_label" else logits.softmax(0)
        assert [scores[label][row] for label in LABELS] == pytest.approx(expected.tolist(), abs=1e-6)
    assert len({label: model.files["model.onnx"] for label, model in models.items()}) == 3


def test_labels_of_one_model_are_scored_by_one_pass_through_it(make_models, score, monkeypatch):
    _, models = make_models("multi_label")
    for model in models.values():
        open_engine(model.folder, False, model.seal)  # its canaries are not what is counted
    texts = []
    run = onnxruntime.InferenceSession.run

    def counted(session, names, inputs, *rest):
        texts.append(len(inputs["input_ids"]))
        return run(session, names, inputs, *rest)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", counted)
    score(models)
    assert sum(texts) == len(TEXTS)


def test_a_shard_without_a_text_to_score_is_a_shard_all_the_same(make_models, score):
    _, models = make_models("multi_label")
    scores = score(models, texts=[None] * 5)
    assert {len(values) for values in scores.values()} == {0}


def test_a_model_refuses_to_score_where_its_preprocessing_makes_other_texts(make_models, tmp_path):
    _, models = make_models("multi_label")
    folder = shutil.copytree(models["joy"].folder, tmp_path / "joy")
    change_record(folder / "engine.json", lambda content: content | {"preprocessing_digest": "0" * 12})
    with pytest.raises(ModelFolderError, match="preprocessing 'tweet'"):
        read_engine_model(folder)


def test_scores_of_classes_sum_to_one(make_models, score):
    _, models = make_models("multi_class")
    assert np.sum(list(score(models).values()), axis=0) == pytest.approx(np.ones(len(TEXTS)))
