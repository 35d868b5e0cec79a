import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from tasks.core.base.errors import ModelFolderError, ParityError
from tasks.core.base.files import read_json, sha256_of_folder
from tasks.core.conversion import build_orders, ladder, workbench
from tasks.core.conversion import convert as conversion
from tasks.core.conversion.convert import convert
from tasks.core.conversion.parity.kept_logits import kept_logits
from tasks.core.conversion.request import Rival
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.engines.variants import DYNAMIC_INT8, FP32
from tests.support.tiny import save_tiny_checkpoint
from tests.support.tiny_conversion import TEXTS, conversion_request, convert_tiny, with_speeds, with_texts

pytestmark = pytest.mark.slow

LABELS = ("positive",)


@pytest.fixture
def checkpoint(tiny_bert, tmp_path):
    return save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", LABELS, 0)


@pytest.fixture(scope="module")
def converted(tiny_bert, tmp_path_factory):
    """A checkpoint and its conversion with no variant but fp32."""
    folder = tmp_path_factory.mktemp("converted")
    checkpoint = save_tiny_checkpoint(tiny_bert, folder / "checkpoint", LABELS, 0)
    return checkpoint, convert_tiny(checkpoint, LABELS, folder / "engines")["positive"]


def test_the_engine_folder_is_self_contained_and_says_what_it_is(converted):
    checkpoint, model = converted
    away = checkpoint.rename(f"{checkpoint}-away")
    read = read_engine_model(Path(model.folder))
    away.rename(checkpoint)
    assert read == model
    assert (read.label, read.variant, read.preprocessing, read.max_length_tokens) == ("positive", FP32, "none", 32)
    assert set(read.files) == {"model.onnx", "tokenizer.json", "canaries.json", "parity.json"}


def test_the_report_says_of_every_variant_what_it_keeps_or_why_it_was_not_tried(checkpoint, tmp_path):
    settings = {"variants": ["onnxruntime-dynamic-int8"], "scored_texts": 250, "calibration_texts": 32}
    convert_tiny(checkpoint, LABELS, tmp_path / "engines", report="full", **settings)
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    variants = {variant["variant"]: variant for variant in report["variants"]}
    assert (report["serves"], report["preset"]) == (FP32.name, "strict")
    assert 200 <= report["parity_texts"] <= report["scored_texts"]
    assert len(variants) == 8
    fp32, int8 = variants[FP32.name], variants[DYNAMIC_INT8.name]
    assert fp32["passes"]
    assert not int8["passes"]
    assert fp32["labels"]["positive"]["max_logit_difference"] < 1e-4
    assert int8["labels"]["positive"]["max_logit_difference"] > 1e-4
    assert int8["batch_variance"] > 1e-3 > fp32["batch_variance"]
    assert any("batch_variance" in reason for reason in int8["reasons"]["positive"])
    assert min(fp32["texts_per_second_per_core"], fp32["peak_memory_mebibytes"], fp32["file_mebibytes"]) > 0
    assert variants["openvino-bf16"]["not_tried"]


def test_the_report_lies_beside_the_engine_models_for_people(converted):
    report = Path(converted[1].folder).with_name("report")
    assert "onnxruntime-fp32" in (report / "parity.md").read_text()
    assert (report / "scatter_positive.png").read_bytes().startswith(b"\x89PNG")


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


def drop_head(path):
    model = onnx.load(path)
    hidden = next(node.input[0] for node in model.graph.node if "logits" in node.output)
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(hidden, onnx.TensorProto.FLOAT, ["batch", 32]))
    onnx.save(model, path)


def keep_one_class(path):
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if "classifier" in tensor.name:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:1].copy(), tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.save(model, path)


def leave_dropout_on(path):
    model = onnx.load(path)
    head = next(node for node in model.graph.node if "logits" in node.output)
    # Values dropped at random, by nodes that ONNX Runtime does not optimise away as it does a Dropout.
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.1, dtype=np.float32), "ratio"))
    nodes = [
        onnx.helper.make_node("RandomUniformLike", [head.input[0]], ["drawn"], dtype=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Sub", ["drawn", "ratio"], ["lowered"]),
        onnx.helper.make_node("Ceil", ["lowered"], ["kept"]),
        onnx.helper.make_node("Mul", [head.input[0], "kept"], ["dropped"]),
    ]
    head.input[0] = "dropped"
    place = list(model.graph.node).index(head)
    for node in reversed(nodes):
        model.graph.node.insert(place, node)
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (perturb_weights, r"(?s)differs from its checkpoint.*worst texts:\n  '.*weights are not the checkpoint's"),
        (swap_classes, r"(?s)differs from its checkpoint.*worst texts:\n  '.*classes stand in another order.*\[1, 0\]"),
        (leave_dropout_on, r"(?s)differs from its checkpoint.*gives other logits each time: dropout was left on"),
        (drop_head, "its classification head was dropped"),
        (keep_one_class, r"have 1 columns, but the checkpoint has the classes \['other', 'positive'\]"),
    ],
)
def test_a_damaged_export_fails_by_name_and_leaves_nothing(checkpoint, tmp_path, monkeypatch, damage, message):
    export = workbench.export_onnx

    def export_damaged(model, path):
        export(model, path)
        damage(path)

    monkeypatch.setattr(workbench, "export_onnx", export_damaged)
    with pytest.raises(ParityError, match=message):
        convert_tiny(checkpoint, LABELS, tmp_path / "engines")
    assert not (tmp_path / "engines").exists()
    assert not list(tmp_path.glob(".engines*"))


def test_another_models_tokenizer_is_caught(checkpoint, tmp_path, monkeypatch):
    def copy_other(source, target):
        content = json.loads(Tokenizer.from_file(str(source)).to_str())
        vocabulary = content["model"]["vocab"]
        vocabulary["good"], vocabulary["bad"] = vocabulary["bad"], vocabulary["good"]
        target.write_text(json.dumps(content))

    monkeypatch.setattr(workbench.shutil, "copy", copy_other)
    with pytest.raises(ParityError, match=r"the engine's tokenizer is not the checkpoint's: .* instead of"):
        convert_tiny(checkpoint, LABELS, tmp_path / "engines")


def test_classes_in_another_order_are_refused(checkpoint, tmp_path):
    config = json.loads((checkpoint / "config.json").read_text())
    config["id2label"] = {"0": "positive", "1": "other"}
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines")
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=r"must have \{'0': 'other', '1': 'positive'\}"):
        convert(request)


def test_a_checkpoint_that_changed_since_it_was_planned_with_is_not_converted(checkpoint, tiny_bert, tmp_path):
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines")
    planned = replace(request, sha256=sha256_of_folder(checkpoint))
    other = save_tiny_checkpoint(tiny_bert, tmp_path / "other", LABELS, 1)
    shutil.copy(other / "model.safetensors", checkpoint / "model.safetensors")
    with pytest.raises(ModelFolderError, match=r"model\.safetensors differ"):
        convert(planned)


def test_a_checkpoint_that_lacks_a_layer_is_not_converted(checkpoint, tmp_path):
    path = checkpoint / "model.safetensors"
    weights = {name: value for name, value in load_file(path).items() if "layer.1." not in name}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(ModelFolderError, match=r"16 \(bert\.encoder\.layer\.1\..* missing"):
        convert_tiny(checkpoint, LABELS, tmp_path / "engines")
    assert not (tmp_path / "engines").exists()


def test_a_checkpoint_of_another_label_is_refused(checkpoint, tmp_path):
    with pytest.raises(ModelFolderError, match="scores \\['positive'\\], not 'negative'"):
        convert_tiny(checkpoint, ("negative",), tmp_path / "engines")


def test_a_variant_that_cannot_run_here_is_recorded_with_the_reason(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "CUDA_PROVIDER", "CPUExecutionProvider")  # as if there were a device after all
    settings = {"variants": ["onnxruntime-cuda-fp16"]}
    convert_tiny(checkpoint, LABELS, tmp_path / "engines", **settings)
    variants = read_json(tmp_path / "engines" / "positive" / "parity.json")["variants"]
    cuda = next(variant for variant in variants if variant["variant"] == "onnxruntime-cuda-fp16")
    assert not cuda["tried"]
    assert "asked for was CUDAExecutionProvider" in cuda["not_tried"]


def test_the_seal_carries_the_limits_and_texts_that_the_engine_was_judged_by(converted, tmp_path):
    checkpoint, first = converted
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines", gate="balanced")
    by_limits = convert(request)["positive"]
    by_texts = convert(with_texts(replace(request, folder=str(tmp_path / "others")), TEXTS[:-20]))["positive"]
    assert first.digest == by_limits.digest == by_texts.digest
    assert len({first.judged_by, by_limits.judged_by, by_texts.judged_by}) == 3
    assert replace(first, judged_by=by_limits.judged_by).seal != first.seal


def test_the_fastest_that_passes_serves_and_fp32_travels_along(checkpoint, tmp_path, monkeypatch):
    loose = {"kendall_tau": 0, "kendall_tau_top": 0, "displacement": 100, "regret": 1, "probability_shift": 1}
    loose |= {"ap_loss": 1, "batch_variance": 100, "distinct_share": 0, "preset": "custom"}
    settings = {"variants": ["onnxruntime-dynamic-int8"], "scored_texts": 250, "calibration_texts": 32, "gate": loose}
    monkeypatch.setattr(ladder, "measure_cost", with_speeds({DYNAMIC_INT8.name: 2.0}))
    model = convert_tiny(checkpoint, LABELS, tmp_path / "engines", **settings)["positive"]
    assert model.variant == DYNAMIC_INT8
    assert "probability_shift 1 (balanced: 0.005)" in model.gate_weakened
    assert "**Gate weakened: kendall_tau 0" in (tmp_path / "engines" / "report" / "parity.md").read_text()
    assert {"model.onnx", "fp32.onnx"} <= set(model.files)
    assert model.in_fp32().graph == "fp32.onnx"
    assert model.in_fp32().digest != model.digest
    assert open_engine(model.folder, True)[0].variant == DYNAMIC_INT8


def test_seeds_are_compared_as_shipped_and_retraining_is_the_yardstick(checkpoint, tiny_bert, tmp_path):
    other = save_tiny_checkpoint(tiny_bert, tmp_path / "other", LABELS, 9)
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines")
    rivals = (Rival(9, str(other), tied=True), Rival(8, str(other), tied=False))
    convert(replace(request, rivals=rivals))
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    assert [row["seed"] for row in report["seeds"]] == [0, 9]
    assert report["retraining"]["seeds"] == [0, 9]
    assert report["retraining"]["labels"]["positive"]["kendall_tau"] < 0.9
    assert all(0 < row["validation_ap"] <= 1 for row in report["seeds"])


@pytest.mark.parametrize("ship", [True, False])
def test_another_seed_ships_only_when_the_round_says_so(checkpoint, tiny_bert, tmp_path, monkeypatch, ship):
    other = save_tiny_checkpoint(tiny_bert, tmp_path / "other", LABELS, 9)
    rival = Rival(9, str(other), tied=True)
    monkeypatch.setattr(conversion, "best_as_shipped", lambda _rows, rivals: rival if rivals else None)
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines", ship_best_seed=ship)
    model = convert(replace(request, rivals=(rival,)))["positive"]
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    assert report["seed"] == (9 if ship else 0)
    assert model.config_hash == f"hash-positive-{9 if ship else 0}"
    assert [row["seed"] for row in report["seeds"]] == [0, 9]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "canaries.json", "parity.json"])
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


def test_converting_again_gives_the_same_logits_to_the_last_bit(converted, tmp_path):
    checkpoint, first = converted
    second = convert_tiny(checkpoint, LABELS, tmp_path / "two")["positive"]
    assert first.digest == second.digest
    assert first.judged_by == second.judged_by
    rows = [[2, 5, 6, 3], [2, 9, 3]]
    assert np.array_equal(open_engine(first.folder)[1].logits(rows), open_engine(second.folder)[1].logits(rows))


def test_converting_again_has_the_logits_of_fp32_already(checkpoint, tmp_path, monkeypatch):
    request = replace(conversion_request(checkpoint, LABELS, tmp_path / "one"), kept_logits=str(tmp_path / "kept"))
    first = convert(request)["positive"]
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert len(kept) == 3  # of the scored texts and of both splits
    asked = []
    monkeypatch.setattr(
        workbench, "kept_logits", lambda folder, graph, rows, _: kept_logits(folder, graph, rows, asked.pop)
    )
    second = convert(replace(request, folder=str(tmp_path / "two")))["positive"]
    assert second.digest == first.digest
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == kept


def test_a_variant_that_cannot_be_built_costs_only_itself(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(build_orders, "PROGRAM", "tests.support.crashing_builder")
    settings = {"variants": ["onnxruntime-dynamic-int8"], "scored_texts": 250, "calibration_texts": 32}
    convert_tiny(checkpoint, LABELS, tmp_path / "engines", **settings)
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    int8 = next(variant for variant in report["variants"] if variant["variant"] == DYNAMIC_INT8.name)
    assert int8["not_tried"].startswith("it could not be built: its process ended with status -11")
    assert report["serves"] == FP32.name


@pytest.mark.drill
def test_where_plain_int8_fails_by_little_it_is_taught_and_then_mixed(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "LITTLE", 1.0)
    names = ["openvino-int8", "openvino-int8-distilled", "openvino-int8-mixed"]
    gate = {"kendall_tau": 0.97, "displacement": 1, "regret": 0.1, "preset": "custom"}
    settings = {"variants": names, "scored_texts": 250, "distillation_steps": 2, "gate": gate, "calibration_texts": 32}
    settings |= {"report": "full"}
    convert_tiny(checkpoint, LABELS, tmp_path / "engines", **settings)
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    variants = {variant["variant"]: variant for variant in report["variants"]}
    assert [variants[name]["not_tried"] for name in names] == [None, None, None]
    plain, _, mixed = (variants[name]["labels"]["positive"]["mean_logit_difference"] for name in names)
    assert mixed < plain
