"""Before the first step of training: what could not be converted, or would score otherwise than it was trained."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tasks.core.base.errors import ModelFolderError
from tasks.core.conversion import untrained_model
from tasks.core.conversion.rehearsal import Rehearsal, rehearsals_of, rehearse
from tasks.core.conversion.untrained_model import try_untrained
from tasks.core.training.base_models.base_folder import base_model_digest
from tasks.core.training.base_models.load_base import may_pass
from tests.support.base_folders import altered, save_family, save_of_letters, with_json, with_weights
from tests.support.tiny import save_tiny_checkpoint


def rehearsal(folder, classes=2, max_length_tokens=32, freeze_embeddings=False, scratch=None):
    digest = base_model_digest(str(folder))
    return Rehearsal(str(folder), digest, classes, max_length_tokens, freeze_embeddings, scratch=scratch)


@pytest.mark.slow
def test_a_base_model_without_fault_passes_in_a_process_of_its_own_once_for_all_folders(tiny_bert, monkeypatch):
    rehearse(rehearsal(tiny_bert, classes=3))
    monkeypatch.setattr("tasks.core.conversion.rehearsal.PROGRAM", "no.program")
    rehearse(rehearsal(tiny_bert, classes=3, scratch="elsewhere"))
    with pytest.raises(ModelFolderError, match=r"could not be tried: .* No module named 'no'"):
        rehearse(rehearsal(tiny_bert, classes=4))


@pytest.mark.slow
def test_a_refusal_comes_back_from_that_process_as_our_error(tiny_bert, tmp_path):
    left = altered(tiny_bert, tmp_path / "left", with_json("tokenizer_config.json", truncation_side="left"))
    with pytest.raises(ModelFolderError, match=r"^truncation_side of the tokenizer in .* is 'left'"):
        rehearse(rehearsal(left))


@pytest.mark.slow
def test_a_disk_that_cannot_be_written_is_no_fault_of_the_base_model(tiny_bert, tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(NotADirectoryError, match=r"of .* could not be tried: "):
        rehearse(rehearsal(tiny_bert, classes=5, scratch=str(tmp_path / "a file" / "scratch")))


@pytest.mark.slow
def test_a_full_disk_is_no_fault_of_the_base_model(tiny_bert, tmp_path):
    program = """
import resource, signal, sys
from tasks.core.conversion import untrained_model
from tests.core.conversion.test_rehearsal import rehearsal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
untrained_model.try_untrained(rehearsal(sys.argv[1], scratch=sys.argv[2]))
"""
    command = [sys.executable, "-c", program, str(tiny_bert), str(tmp_path / "scratch")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("OSError: [Errno 27] File too large")
    assert not list((tmp_path / "scratch").iterdir())


def test_no_memory_is_no_fault_of_the_base_model():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert may_pass(refused.value)


def test_long_texts_are_not_padded_with(tiny_bert, monkeypatch):
    monkeypatch.setattr(untrained_model, "PADDED_TOKENS", 16)
    sizes, padded = [], untrained_model._padded_logits
    monkeypatch.setattr(
        untrained_model,
        "_padded_logits",
        lambda *given: (sizes.extend(map(len, given[-1]["input_ids"])), padded(*given))[1],
    )
    try_untrained(rehearsal(tiny_bert))
    assert len(set(sizes)) > 1
    assert max(sizes) <= 16


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


def no_numbers(factor):
    name = "encoder.layer.0.output.dense.weight"
    return with_weights(lambda weights: weights | {name: weights[name] * factor})


def token_types_of_one(folder):
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"type_id": 0', '"type_id": 1').replace('"type_id":0', '"type_id":1'))
    with_json("tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])(folder)


UNFIT = {
    "not a number": (
        no_numbers(math.nan),
        r"not finite: its weights bert\.encoder\.layer\.0\.output\.dense\.weight",
    ),
    "infinite": (no_numbers(math.inf), r"not finite: its weights bert\.encoder\.layer\.0\.output\.dense\.weight"),
    "nothing but zero": (
        with_weights(lambda weights: {name: torch.zeros_like(value) for name, value in weights.items()}),
        "gives every text the same logits",
    ),
    "read from the left": (with_json("config.json", is_decoder=True), r"the same logits: .*is_decoder in config\.json"),
    "token types": (token_types_of_one, r"token types other than 0.*model_input_names in tokenizer_config\.json"),
    "chunks": (with_json("config.json", chunk_size_feed_forward=7), "cannot read a short text .*chunk size 7"),
}


@pytest.mark.parametrize("fault", UNFIT)
def test_what_would_be_trained_in_vain_is_refused_with_its_reason(fault, tiny_bert, tmp_path):
    plant, words = UNFIT[fault]
    with pytest.raises(ModelFolderError, match=words):
        try_untrained(rehearsal(altered(tiny_bert, tmp_path / "base", plant)))


@pytest.mark.parametrize("letters", ["აბგდევზთ", "กขฃคฅฆง"])
def test_a_tokenizer_that_drops_letters_of_another_script_passes(letters, tmp_path):
    folder = save_of_letters(letters, tmp_path / "letters")
    assert try_untrained(rehearsal(folder)) == ""


def test_a_tokenizer_that_drops_all_is_named(tmp_path):
    folder = save_of_letters("", tmp_path / "letters")
    with pytest.raises(ModelFolderError, match=r"its tokenizer\.json makes the same tokens of every text: \[1, 2\]"):
        try_untrained(rehearsal(folder))


def test_a_config_that_asks_for_tuples_passes(tiny_bert, tmp_path):
    tuples = with_json("config.json", return_dict=False, output_hidden_states=True)
    assert try_untrained(rehearsal(altered(tiny_bert, tmp_path / "base", tuples))) == ""


def test_a_tokenizer_that_transformers_makes_otherwise_is_refused(tiny_bert, tmp_path):
    folder = save_family("gpt2", tiny_bert, tmp_path / "gpt2")
    with_json("tokenizer_config.json", tokenizer_class="Qwen2Tokenizer")(folder)
    with pytest.raises(ModelFolderError, match=r"engines as .* \(look at its tokenizer_class\)"):
        try_untrained(rehearsal(folder))


def test_a_head_of_five_classes_is_refused(tiny_bert, tmp_path):
    five = save_tiny_checkpoint(tiny_bert, tmp_path / "five", ("a", "b", "c", "d", "e"), 0, "multi_label")
    with pytest.raises(ModelFolderError, match=r"classifier\.weight has \(5, 32\), expected \(2, 32\)"):
        try_untrained(rehearsal(five))
    try_untrained(rehearsal(five, classes=5))


def test_a_round_rehearses_each_kind_of_its_heads_once(tiny_round):
    (one,) = rehearsals_of(tiny_round, tiny_round.base_model)
    assert Path(one.scratch) == tiny_round.work_path
    assert (one.classes, one.max_length_tokens, one.freeze_embeddings) == (2, 32, False)
    assert one.variants == tiny_round.conversion.variants
    assert one.digest == base_model_digest(tiny_round.base_model)
