"""What cannot be loaded whole is refused by name, before anything is trained from it."""

import json
import math
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from tasks.core.base.errors import ModelFolderError
from tasks.core.training.base_models.base_folder import base_model_digest, require_digest
from tasks.core.training.base_models.load_base import (
    load_classifier,
    load_finished_classifier,
    load_masked_lm,
    load_tokenizer,
    require_vectors,
)
from tests.support.base_folders import (
    POINTER,
    altered,
    cut,
    in_shards,
    in_shards_without_one,
    pickled,
    save_family,
    with_few_vectors,
    with_json,
    with_vocabulary_alone,
    with_weights,
)
from tests.support.tiny import save_tiny_checkpoint

CLASSES = ("other", "positive")


def load(folder):
    """Load a base model as training does."""
    base_model_digest(str(folder))
    tokenizer, model = load_tokenizer(folder), load_classifier(folder, CLASSES, freeze_embeddings=False)
    require_vectors(folder, tokenizer, model)
    return model


def renamed(prefix):
    return with_weights(lambda weights: {prefix + name: value for name, value in weights.items()})


def without(part):
    return with_weights(lambda weights: {name: value for name, value in weights.items() if part not in name})


def one_layer_more(weights):
    layer = {name: value for name, value in weights.items() if "layer.1." in name}
    return weights | {name.replace("layer.1.", "layer.2."): value.clone() for name, value in layer.items()}


def shards_lacking_a_weight(folder):
    in_shards(folder)
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["embeddings.more"] = "model-00001-of-00002.safetensors"
    path.write_text(json.dumps(index))


def shards_elsewhere(folder):
    in_shards(folder)
    path = folder / "model.safetensors.index.json"
    path.write_text(path.read_text().replace("model-00002", "../other/model-00002"))


def as_type(kind):
    return with_weights(lambda weights: {name: value.to(kind) for name, value in weights.items()})


FAULTS = {
    "a prefix of a parallel wrapper": (renamed("module."), r"bert\.embeddings.*missing"),
    "a prefix of another wrapper": (renamed("model.bert."), r"bert\.embeddings.*missing"),
    "a layer lacking": (without("layer.1."), r"16 \(bert\.encoder\.layer\.1\..*missing"),
    "some weights lacking": (without("attention.output"), r"missing, 0 belong"),
    "a layer too many": (with_weights(one_layer_more), r"0 missing, 16 \(encoder\.layer\.2\."),
    "a pointer": (lambda folder: (folder / "model.safetensors").write_bytes(POINTER), r"safetensors is a pointer.*lfs"),
    "a pointed tokenizer": (lambda folder: (folder / "tokenizer.json").write_bytes(POINTER), "tokenizer.json is a poi"),
    "cut weights": (cut, r"model\.safetensors is not whole"),
    "empty weights": (lambda folder: (folder / "model.safetensors").write_bytes(b""), r"safetensors is not whole"),
    "a pickle alone": (pickled, r"pickles alone.*\n  python -c"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"has no model\.safetensors or"),
    "a shard lacking": (in_shards_without_one, r"names model-00002-of-00002\.safetensors, which is not there"),
    "a shard's weight lacking": (shards_lacking_a_weight, r"lacks 1 weights .*embeddings\.more"),
    "a shard elsewhere": (
        shards_elsewhere,
        r"lies in '\.\./other/model-00002-of-00002\.safetensors', but a shard must",
    ),
    "no config": (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
    "a broken config": (
        lambda folder: (folder / "config.json").write_text('{"model_type": '),
        r"json is not JSON",
    ),
    "a config of a list": (lambda folder: (folder / "config.json").write_text("[]"), "must hold keys and values"),
    "no family": (with_json("config.json", model_type=None), r"config\.json says no model_type"),
    "an unknown family": (with_json("config.json", model_type="nonesuch"), "cannot be loaded: ValueError"),
    "nonsense sizes": (with_json("config.json", hidden_size="wide"), "hidden_size"),
    "code of its own": (with_json("config.json", auto_map={"AutoModel": "own.Model"}), r"auto_map \(.*own\.Model"),
    "a tokenizer's code": (with_json("tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}), "auto_map"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), r"no tokenizer\.json.*\n  python -c"),
    "a broken tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        "cannot be read as a tok",
    ),
    "other files of a tokenizer": (
        lambda folder: (folder / "special_tokens_map.json").write_text("words"),
        r"base/special_tokens_map\.json cannot be read as a tokenizer",
    ),
    "a tokenizer that keeps the mask": (
        with_json("tokenizer_config.json", model_input_names=["input_ids"]),
        "gives no attention_mask.*model_input_names",
    ),
    "a config of no numbers": (with_json("config.json", hidden_size=math.nan), r"hidden_size.*Its config\.json"),
    "an unknown type": (with_json("config.json", dtype="float17"), r"float17.*Its config\.json"),
    "quantised weights": (as_type(torch.int8), r"model\.safetensors has 39 weights that are integers"),
    "a quantised model": (with_json("config.json", quantization_config={"bits": 4}), "has a quantization_config"),
    "an adapter": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "is an adapter"),
    "fewer vectors than tokens": (
        with_weights(lambda weights: weights | {"embeddings.word_embeddings.weight": torch.zeros(100, 32)}),
        r"word_embeddings\.weight has \(100, 32\), expected \(207, 32\)",
    ),
    "left padding": (with_json("tokenizer_config.json", padding_side="left"), "padding_side of .* is 'left'"),
    "left truncation": (with_json("tokenizer_config.json", truncation_side="left"), "truncation_side of .* is 'left'"),
    "no padding": (with_json("tokenizer_config.json", pad_token=None), "no padding token.*pad_token"),
    "no special tokens": (with_json("tokenizer.json", post_processor=None), "puts no special tokens around a text"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_base_model_that_is_not_whole_is_refused_by_name(fault, tiny_bert, tmp_path):
    plant, words = FAULTS[fault]
    folder = altered(tiny_bert, tmp_path / "base", plant)
    with pytest.raises(ModelFolderError, match=f"(?s){words}"):
        load(folder)


def test_tokens_beyond_the_vectors_are_refused(tiny_bert, tmp_path):
    folder = altered(tiny_bert, tmp_path / "base", with_few_vectors)
    with pytest.raises(ModelFolderError, match=r"tokens up to number 206, but the model has vectors for 100"):
        load(folder)


def test_a_head_of_five_classes_is_refused_where_two_are_wanted(tiny_bert, tmp_path):
    labels = ("a", "b", "c", "d", "e")
    folder = save_tiny_checkpoint(tiny_bert, tmp_path / "five", labels, 0, "multi_label")
    with pytest.raises(ModelFolderError, match=r"classifier\.weight has \(5, 32\), expected \(2, 32\)"):
        load(folder)


def test_bases_in_one_file_in_shards_and_of_masked_language_models_load(tiny_bert, tmp_path):
    whole, parted = load(tiny_bert), load(altered(tiny_bert, tmp_path / "shards", in_shards))
    name = "bert.encoder.layer.1.output.dense.weight"
    assert torch.equal(whole.state_dict()[name], parted.state_dict()[name])
    masked = altered(tiny_bert, tmp_path / "masked", AutoModelForMaskedLM.from_pretrained(tiny_bert).save_pretrained)
    assert torch.equal(whole.state_dict()[name], load(masked).state_dict()[name])
    assert load_masked_lm(masked).new == frozenset()
    assert "cls.predictions.bias" in load_masked_lm(tiny_bert).new


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_float_load_as_float32(kind, tiny_bert, tmp_path):
    model = load(altered(tiny_bert, tmp_path / "base", as_type(kind)))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "settings",
    [
        {"id2label": {str(number): f"L{number}" for number in range(5)}},
        {"num_labels": 5, "problem_type": "regression"},
        {"architectures": ["NoSuchModel"]},
        {"pad_token_id": None},
    ],
)
def test_what_a_config_says_of_another_head_is_passed_over(settings, tiny_bert, tmp_path):
    assert load(altered(tiny_bert, tmp_path / "base", with_json("config.json", **settings))).config.num_labels == 2


def test_a_dump_of_deberta_v3_with_what_its_pretraining_left_loads(tiny_bert, tmp_path):
    folder = save_family("deberta-v3", tiny_bert, tmp_path / "deberta")
    left = {f"deberta.embeddings.{of}_embeddings._weight": torch.ones(64, 32) for of in ("word", "position")}
    left |= {f"{head}_predictions.dense.weight": torch.ones(32, 32) for head in ("mask", "lm")}
    with_weights(lambda weights: {f"deberta.{name}": value for name, value in weights.items()} | left)(folder)
    assert load(folder)
    assert load_masked_lm(folder)


@pytest.mark.parametrize("load_as", [load_masked_lm, lambda folder: load_classifier(folder, CLASSES, True)])
def test_pretraining_and_training_refuse_alike(load_as, tiny_bert, tmp_path):
    with pytest.raises(ModelFolderError, match="missing"):
        load_as(altered(tiny_bert, tmp_path / "base", without("layer.1.")))


@pytest.mark.parametrize("part", ["layer.1.", "classifier.weight", "pooler"])
def test_a_checkpoint_that_lacks_anything_is_not_converted(part, tiny_bert, tmp_path):
    checkpoint = save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", ("positive",), 0)
    assert not load_finished_classifier(checkpoint).training
    without(part)(checkpoint)
    with pytest.raises(ModelFolderError, match=part):
        load_finished_classifier(checkpoint)


@pytest.mark.slow
def test_the_command_for_a_pickle_makes_the_same_model(tiny_bert, tmp_path):
    folder = altered(tiny_bert, tmp_path / "base", pickled)
    run_suggested(folder)
    assert torch.equal(load(folder).bert.pooler.dense.weight, load(tiny_bert).bert.pooler.dense.weight)


@pytest.mark.slow
def test_the_command_for_a_tokenizer_makes_one(tmp_path, tiny_bert):
    folder = altered(tiny_bert, tmp_path / "base", with_vocabulary_alone)
    run_suggested(folder)
    assert load(folder)


def run_suggested(folder):
    """Run the command that the refusal of a folder suggests."""
    with pytest.raises(ModelFolderError) as refused:
        load(folder)
    command = shlex.split(str(refused.value).splitlines()[-1])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True, capture_output=True)


@pytest.mark.parametrize("family", ["eurobert", "xlnet", "gpt2", "modernbert"])
def test_word_vectors_are_frozen_whatever_the_model_calls_them(family, tiny_bert, tmp_path):
    folder = save_family(family, tiny_bert, tmp_path / family)
    frozen, free = (load_classifier(folder, CLASSES, freeze_embeddings=freeze) for freeze in (True, False))
    assert not any(each.requires_grad for each in frozen.get_input_embeddings().parameters())
    assert all(each.requires_grad for each in free.parameters())
    assert any(each.requires_grad for each in frozen.parameters())


def test_a_model_without_word_vectors_cannot_have_them_frozen(tiny_bert, tmp_path):
    folder = save_family("canine", tiny_bert, tmp_path / "canine")
    assert load_classifier(folder, CLASSES, freeze_embeddings=False)
    with pytest.raises(ModelFolderError, match=r"training\.freeze_embeddings is true, but Canine"):
        load_classifier(folder, CLASSES, freeze_embeddings=True)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_every_file_that_decides_is_in_the_digest(name, tiny_bert, tmp_path):
    planned = base_model_digest(str(tiny_bert))
    folder = altered(tiny_bert, tmp_path / "base", lambda _: None)
    (folder / "README.md").write_text("words")
    require_digest(str(folder), planned)
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelFolderError):
        require_digest(str(folder), planned)


@pytest.mark.slow
def test_no_bit_of_a_file_that_decides_changes_unseen(tiny_bert, tmp_path):
    planned, draw = base_model_digest(str(tiny_bert)), np.random.default_rng(0)
    folder = altered(tiny_bert, tmp_path / "base", lambda _: None)
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        for bit in draw.integers(0, len(content) * 8, size=500):
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << (bit % 8)
            path.write_bytes(flipped)
            with pytest.raises(ModelFolderError):
                require_digest(str(folder), planned)
        path.write_bytes(content)
    require_digest(str(folder), planned)
