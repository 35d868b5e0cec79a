"""Base models with the field's faults, which are not in the repository, behave as their READMEs say."""

import pytest

from tasks.core.base.errors import ModelFolderError
from tasks.core.conversion.rehearsal import rehearsals_of
from tasks.core.conversion.untrained_model import try_untrained
from tasks.core.training.base_models.load_base import load_classifier
from tests.support.base_folders import (
    POINTER,
    altered,
    cut,
    in_shards_without_one,
    pickled,
    save_family,
    with_few_vectors,
    with_json,
    with_vocabulary_alone,
)
from tests.support.tiny import save_tiny_checkpoint

pytestmark = pytest.mark.slow


def five_labels(folder):
    save_tiny_checkpoint(folder, folder, ("a", "b", "c", "d", "e"), 0, "multi_label")


FAULTS = {
    "pointer": (lambda folder: (folder / "model.safetensors").write_bytes(POINTER), r"model\.safetensors is a pointer"),
    "cut it in half": (cut, r"model\.safetensors is not whole"),
    "empty it": (lambda folder: (folder / "model.safetensors").write_bytes(b""), r"model\.safetensors is not whole"),
    "break config.json": (lambda folder: (folder / "config.json").write_text('{"'), r"config\.json is not JSON"),
    "remove model_type": (with_json("config.json", model_type=None), r"config\.json says no model_type"),
    "remote code in auto_map": (with_json("config.json", auto_map={"AutoModel": "own.Model"}), r"in auto_map"),
    "five-label head": (five_labels, r"classifier\.weight has \(5, 32\), expected \(2, 32\)"),
    "a vocabulary smaller": (with_few_vectors, r"tokens up to number 206, but the model has vectors for 100"),
    "no pad token": (with_json("tokenizer_config.json", pad_token=None), "has no padding token"),
    "one of its shards missing": (in_shards_without_one, r"names model-00002-of-00002\.safetensors, which is not ther"),
    "only pytorch_model.bin": (pickled, "pickles alone"),
    "only vocab.txt": (with_vocabulary_alone, r"has no tokenizer\.json"),
}
"""What the input's `how` names, and the refusal."""


def prepare(round_, folder, **training):
    """Do what training and the doctor do before the first step, in this process."""
    changed = round_.training.model_copy(update=training)
    for rehearsal in rehearsals_of(round_.model_copy(update={"training": changed}), str(folder)):
        try_untrained(rehearsal)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_loaded_is_refused_before_anything_is_trained(field, fault, tiny_round, tiny_bert, tmp_path):
    assert fault in (field("base_model_not_loadable") / "how").read_text(encoding="utf-8")
    plant, words = FAULTS[fault]
    with pytest.raises(ModelFolderError, match=words):
        prepare(tiny_round, altered(tiny_bert, tmp_path / "base", plant))


def test_no_special_tokens_are_refused_before_anything_is_trained(field, tiny_round, tiny_bert, tmp_path):
    field("tokenizer_without_special_tokens")
    folder = altered(tiny_bert, tmp_path / "base", with_json("tokenizer.json", post_processor=None))
    with pytest.raises(ModelFolderError, match="puts no special tokens around a text"):
        prepare(tiny_round, folder)


@pytest.mark.parametrize("setting", ["truncation_side", "padding_side"])
def test_the_left_side_is_refused_before_anything_is_trained(field, setting, tiny_round, tiny_bert, tmp_path):
    assert f"{setting}: left" in (field("truncation_side_left") / "how").read_text(encoding="utf-8")
    folder = altered(tiny_bert, tmp_path / "base", with_json("tokenizer_config.json", **{setting: "left"}))
    with pytest.raises(ModelFolderError, match=f"{setting} of the tokenizer in .* is 'left'"):
        prepare(tiny_round, folder)


@pytest.mark.parametrize("family", ["EuroBERT", "XLNet", "GPT-2", "CANINE"])
def test_word_vectors_are_frozen_or_the_model_is_refused(field, family, tiny_round, tiny_bert, tmp_path):
    assert family in (field("freeze_embeddings_eurobert") / "how").read_text(encoding="utf-8")
    folder = save_family(family.lower().replace("-", ""), tiny_bert, tmp_path / family)
    if family in ("XLNet", "CANINE"):
        with pytest.raises(
            ModelFolderError, match=r"could not be used, so nothing is trained|has no word vectors that transf"
        ):
            prepare(tiny_round, folder, freeze_embeddings=True)
        return
    prepare(tiny_round, folder, freeze_embeddings=True)
    model = load_classifier(folder, ("other", "positive"), freeze_embeddings=True)
    assert not any(each.requires_grad for each in model.get_input_embeddings().parameters())
