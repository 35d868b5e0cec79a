import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tokenizers import Tokenizer

from tasks.core.conversion import convert as conversion
from tasks.core.conversion.convert import DYNAMIC_INT8, FP32, convert
from tasks.core.conversion.parity import compare_logits
from tasks.core.errors import ModelFolderError, ParityError
from tasks.core.inference.model_folder import read_engine_model
from tests.tiny import make_sentences, save_tiny_checkpoint


@pytest.fixture
def checkpoint(tiny_bert, tmp_path):
    return save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", ("positive",), 0)


TEXTS = [*make_sentences(120, seed=5), "", "good", " ".join(["word7"] * 200), "unknown words only"]


def test_the_engine_folder_is_self_contained_and_says_what_it_is(checkpoint, tmp_path):
    model = convert(checkpoint, "positive", TEXTS, tmp_path / "engine")
    shutil.rmtree(checkpoint)
    assert sorted(path.name for path in (tmp_path / "engine").iterdir()) == [
        "engine.json",
        "model.onnx",
        "parity.json",
        "tokenizer.json",
    ]
    read = read_engine_model(tmp_path / "engine")
    assert read == model
    assert (read.label, read.variant, read.preprocessing, read.max_length_tokens) == ("positive", FP32, "none", 32)


def test_the_report_compares_both_variants_on_every_text(checkpoint, tmp_path):
    convert(checkpoint, "positive", TEXTS, tmp_path / "engine")
    fp32, int8 = json.loads((tmp_path / "engine" / "parity.json").read_text())["variants"]
    assert (fp32["variant"], int8["variant"]) == (FP32, DYNAMIC_INT8)
    assert fp32["texts"] == int8["texts"] == len(TEXTS)
    assert fp32["max_logit_difference"] < 1e-4 < int8["max_logit_difference"]
    assert fp32["overlap_top_100"] == 1.0


def perturb_weights(path):
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.endswith("classifier.weight"):
            weight = numpy_helper.to_array(tensor).copy()
            weight[1, 0] += 0.5
            tensor.CopyFrom(numpy_helper.from_array(weight, tensor.name))
    onnx.save(model, path)


def swap_classes(path):
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if "classifier" in tensor.name:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[::-1].copy(), tensor.name))
    onnx.save(model, path)


@pytest.mark.parametrize("damage", [perturb_weights, swap_classes])
def test_a_damaged_export_fails_and_names_the_worst_texts(checkpoint, tmp_path, monkeypatch, damage):
    export = conversion.export_onnx

    def export_damaged(model, path):
        export(model, path)
        damage(path)

    monkeypatch.setattr(conversion, "export_onnx", export_damaged)
    with pytest.raises(ParityError, match=r"(?s)differs from its checkpoint.*worst texts:\n  '"):
        convert(checkpoint, "positive", TEXTS, tmp_path / "engine")
    assert not (tmp_path / "engine").exists()
    assert not list(tmp_path.glob(".engine*"))


def test_dropout_left_on_in_the_export_is_caught(checkpoint, tmp_path, monkeypatch):
    export = conversion.export_onnx
    monkeypatch.setattr(conversion, "export_onnx", lambda model, path: (export(model, path), model.train()))
    with pytest.raises(ParityError, match="differs from its checkpoint"):
        convert(checkpoint, "positive", TEXTS, tmp_path / "engine")


def test_another_models_tokenizer_is_caught(checkpoint, tmp_path, monkeypatch):
    def copy_other(source, target):
        tokenizer = Tokenizer.from_file(str(source))
        content = json.loads(tokenizer.to_str())
        vocabulary = content["model"]["vocab"]
        vocabulary["good"], vocabulary["bad"] = vocabulary["bad"], vocabulary["good"]
        target.write_text(json.dumps(content))

    monkeypatch.setattr(conversion.shutil, "copy", copy_other)
    with pytest.raises(ParityError, match="tokenizer is not the checkpoint's"):
        convert(checkpoint, "positive", TEXTS, tmp_path / "engine")


def test_classes_in_another_order_are_refused(checkpoint, tmp_path):
    config = json.loads((checkpoint / "config.json").read_text())
    config["id2label"] = {"0": "positive", "1": "other"}
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=r"must have \{'0': 'other', '1': 'positive'\}"):
        convert(checkpoint, "positive", TEXTS, tmp_path / "engine")


def test_a_checkpoint_of_another_label_is_refused(checkpoint, tmp_path):
    with pytest.raises(ModelFolderError, match="scores \\['positive'\\], not 'negative'"):
        convert(checkpoint, "negative", TEXTS, tmp_path / "engine")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "parity.json"])
def test_an_altered_or_missing_file_is_refused(tiny_engines, tmp_path, name):
    folder = shutil.copytree(tiny_engines["positive"].folder, tmp_path / "engine")
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelFolderError, match=f"{name} has sha256 .* was registered"):
        read_engine_model(folder)
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=f"lacks {name}"):
        read_engine_model(folder)


def test_a_folder_without_engine_json_is_no_engine_model(tmp_path):
    with pytest.raises(ModelFolderError, match="is not an engine model's folder"):
        read_engine_model(tmp_path)


def test_parity_figures_of_a_worked_example():
    """200 texts in order; the best and the worst change places."""
    reference = np.stack([np.zeros(200), np.arange(200)], axis=1).astype(np.float32)
    found = reference.copy()
    found[[0, 199]] = found[[199, 0]]
    parity = compare_logits("x", reference, found, column=1, head="binary")
    assert parity.max_logit_difference == 199
    assert parity.mean_logit_difference == pytest.approx(2 * 199 / 400)
    pairs, turned = 200 * 199 / 2, 2 * 198 + 1
    assert parity.kendall_tau == pytest.approx((pairs - 2 * turned) / pairs)
    assert parity.overlap_top_100 == 0.99


@pytest.mark.parametrize(
    ("found", "message"), [(np.zeros((3, 2)), "of shape"), (np.full((4, 2), np.nan), "not finite numbers")]
)
def test_logits_that_cannot_be_compared_are_refused(found, message):
    with pytest.raises(ParityError, match=message):
        compare_logits("x", np.zeros((4, 2)), found, column=1, head="binary")
