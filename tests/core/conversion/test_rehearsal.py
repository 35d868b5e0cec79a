"""Before the first step of training: what could not be converted, or would score otherwise than it was trained."""

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.conversion.rehearsal import Rehearsal, rehearsals_of, rehearse
from tasks.core.conversion.untrained_model import try_untrained
from tasks.core.training.base_models.base_folder import base_model_digest
from tests.support.base_folders import altered, save_family, with_json
from tests.support.tiny import save_tiny_checkpoint


def rehearsal(folder, classes=2, max_length_tokens=32, freeze_embeddings=False):
    return Rehearsal(str(folder), base_model_digest(str(folder)), classes, max_length_tokens, freeze_embeddings)


def test_a_base_model_without_fault_passes_in_a_process_of_its_own(tiny_bert):
    rehearse(rehearsal(tiny_bert))


def test_a_refusal_comes_back_from_that_process_as_our_error(tiny_bert, tmp_path):
    left = altered(tiny_bert, tmp_path / "left", with_json("tokenizer_config.json", truncation_side="left"))
    with pytest.raises(ModelFolderError, match=r"^truncation_side of the tokenizer in .* is 'left'"):
        rehearse(rehearsal(left))


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("eurobert", {"classifier_pooling": "late"}),
        ("eurobert", {"classifier_pooling": "mean"}),
        ("modernbert", {"classifier_pooling": "mean"}),
        ("gpt2", {}),
    ],
)
def test_heads_that_need_the_mask_pass(family, settings, tiny_bert, tmp_path):
    try_untrained(rehearsal(save_family(family, tiny_bert, tmp_path / family, **settings), freeze_embeddings=True))


def test_a_model_that_padding_changes_is_refused(tiny_bert, tmp_path):
    folder = save_family("xlnet", tiny_bert, tmp_path / "xlnet")
    with pytest.raises(ModelFolderError, match=r"padding changes its logits.*pad_token"):
        try_untrained(rehearsal(folder))


def test_a_padding_token_that_config_and_tokenizer_call_otherwise_is_refused(tiny_bert, tmp_path):
    folder = save_family("gpt2", tiny_bert, tmp_path / "gpt2", pad_token_id=7)
    with pytest.raises(ModelFolderError, match=r"padding changes its logits.*pad_token_id in config\.json"):
        try_untrained(rehearsal(folder))


def test_texts_longer_than_the_model_reads_are_refused_whatever_it_calls_its_positions(tiny_bert, tmp_path):
    folder = save_family("gpt2", tiny_bert, tmp_path / "gpt2")
    try_untrained(rehearsal(folder, max_length_tokens=64))
    with pytest.raises(ModelFolderError, match=r"cannot read 65 tokens, as training\.max_length_tokens asks"):
        try_untrained(rehearsal(folder, max_length_tokens=65))


def test_a_model_that_cannot_read_short_texts_is_refused(tiny_bert, tmp_path):
    with pytest.raises(ModelFolderError, match="could not be used, so nothing is trained: cannot read"):
        try_untrained(rehearsal(save_family("canine", tiny_bert, tmp_path / "canine")))


def test_a_head_of_five_classes_is_refused(tiny_bert, tmp_path):
    five = save_tiny_checkpoint(tiny_bert, tmp_path / "five", ("a", "b", "c", "d", "e"), 0, "multi_label")
    with pytest.raises(ModelFolderError, match=r"classifier\.weight has \(5, 32\), expected \(2, 32\)"):
        try_untrained(rehearsal(five))
    try_untrained(rehearsal(five, classes=5))


def test_a_round_rehearses_each_kind_of_its_heads_once(tiny_round):
    (one,) = rehearsals_of(tiny_round, tiny_round.base_model)
    assert (one.classes, one.max_length_tokens, one.freeze_embeddings) == (2, 32, False)
    assert one.digest == base_model_digest(tiny_round.base_model)
