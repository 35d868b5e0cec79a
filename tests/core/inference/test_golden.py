"""Scores that change while SCORING_VERSION does not would be mixed with older ones: this test fails before that."""

import json

import pytest

from tasks.core.inference import scoring, shard_texts
from tasks.core.runs.scoring_inputs import SCORING_VERSION
from tests.core.inference.golden import GOLDEN, complaint, remember, score_golden


def known():
    return json.loads(GOLDEN.read_text())


def test_the_file_is_of_this_version():
    assert known()["scoring_version"] == SCORING_VERSION


def test_fixed_texts_have_the_scores_that_they_had(tmp_path):
    assert complaint(score_golden(tmp_path / "golden"), known()) is None


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
    assert "raise SCORING_VERSION" in complaint(score_golden(tmp_path / "golden"), known())


def test_changed_scores_are_not_blessed_while_the_version_stays(tmp_path):
    found = score_golden(tmp_path / "golden")
    found["scores"]["positive"][0] = 0.5
    before = GOLDEN.read_text()
    with pytest.raises(SystemExit, match="raise SCORING_VERSION"):
        remember(found)
    assert GOLDEN.read_text() == before
