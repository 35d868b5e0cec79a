"""Scores that change while SCORING_VERSION does not would be mixed with older ones: this test fails before that."""

import json

import numpy as np
import pytest

from tasks.core.inference import scoring, shard_texts
from tasks.core.runs.scoring_inputs import SCORING_VERSION
from tests.core.inference.golden import GOLDEN, digest, kind_of_machine, score_golden

RAISE = (
    "the scoring code gives other {} than it did as version {}. If that is meant, raise SCORING_VERSION in "
    "tasks/core/runs/scoring_inputs.py and run: python -m tests.core.inference.golden"
)
CLOSE = 1e-5
"""By which the fp32 scores of another kind of machine may differ."""


def complaint(found):
    """Return what is wrong with what the scoring code gives here, or None."""
    known = json.loads(GOLDEN.read_text())
    version = known["scoring_version"]
    if found["inputs"] != known["inputs"]:
        return RAISE.format("tokens or batches", version)
    here = known["kinds"].get(kind_of_machine())
    if here is not None:
        return None if digest(found["scores"]) == here else RAISE.format("scores", version)
    pairs = [(found["scores"][label], known["scores"][label]) for label in known["scores"]]
    same = all(np.allclose(mine, theirs, rtol=0, atol=CLOSE) for mine, theirs in pairs)
    return None if same else RAISE.format("scores", version)


def test_the_file_is_of_this_version():
    assert json.loads(GOLDEN.read_text())["scoring_version"] == SCORING_VERSION


def test_fixed_texts_have_the_scores_that_they_had(tmp_path):
    assert complaint(score_golden(tmp_path / "golden")) is None


def clip(tokenizer, texts, max_length_tokens):
    return tokenizer.encode_batch_fast([text[:20] for text in texts])


def shift(logits, column, head):
    return scoring_label_scores(logits, column, head) + 2e-5


scoring_label_scores = scoring.label_scores


@pytest.mark.parametrize(
    ("module", "name", "other"),
    [(shard_texts, "encode", clip), (scoring, "label_scores", shift)],
    ids=["tokens", "scores"],
)
def test_changed_scoring_code_is_found(tmp_path, monkeypatch, module, name, other):
    monkeypatch.setattr(module, name, other)
    assert "raise SCORING_VERSION" in complaint(score_golden(tmp_path / "golden"))
