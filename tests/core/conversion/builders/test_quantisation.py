from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    MPNetConfig,
    RobertaConfig,
)

from tasks.core.base.errors import InputDataError, ModelFolderError, ParityError
from tasks.core.base.files import read_json, write_json
from tasks.core.conversion.build_orders import BuildOrder
from tasks.core.conversion.build_variant import build
from tasks.core.conversion.builders import distil_int8
from tasks.core.conversion.builders.cuda_fp16 import build_cuda_fp16
from tasks.core.conversion.builders.distil_int8 import build_distilled_int8
from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.builders.mixed_choice import Mixing, Ranking, build_mixed_int8, sensitivities
from tasks.core.conversion.builders.mixed_int8 import GraphPair, quantised_layers
from tasks.core.conversion.builders.onnx_int8 import build_dynamic_int8, build_static_int8
from tasks.core.conversion.builders.rounded_int8 import build_rounded_int8
from tasks.core.conversion.builders.token_arrays import equal_length_batches
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import DYNAMIC_INT8, FP32, Variant
from tasks.core.engines.variants import STATIC_INT8 as QDQ

SIZES = {"vocab_size": 200, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
WIDTHS = {"hidden_size": 32, "intermediate_size": 64}
CONFIGS = {
    "bert": BertConfig(**SIZES, **WIDTHS),
    "roberta": RobertaConfig(**SIZES, **WIDTHS, pad_token_id=1),
    "mpnet": MPNetConfig(**SIZES, **WIDTHS, pad_token_id=1),
    "distilbert": DistilBertConfig(
        vocab_size=200, n_layers=2, n_heads=2, dim=32, hidden_dim=64, max_position_embeddings=64
    ),
}
INT8_IN_F32 = Variant("openvino-int8-f32", "openvino", "f32", quantised=True)
"""This variant shows what rounding to int8 alone costs: what is not quantised runs in fp32."""
ARCHITECTURES = pytest.mark.parametrize("architecture", list(CONFIGS))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Folders of classifiers with random weights and, as trained ones have, outlying channels."""
    root = tmp_path_factory.mktemp("quantised")
    for name, config in CONFIGS.items():
        torch.manual_seed(0)
        config.initializer_range = 0.1
        model = AutoModelForSequenceClassification.from_config(config)
        for part, weight in model.named_parameters():
            if "LayerNorm.weight" in part or "layer_norm.weight" in part:
                weight.data[3] *= 6
        model.save_pretrained(root / name)
        Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(root / name / "tokenizer.json"))
        export_onnx(load_checkpoint(root / name), root / name / "fp32.onnx")
    return root


@pytest.fixture(scope="session")
def rows():
    draw = np.random.default_rng(0)
    return [draw.integers(5, 200, size=draw.integers(3, 12)).tolist() for _ in range(200)]


@pytest.fixture(scope="session")
def rounded(checkpoints, rows):
    for name in CONFIGS:
        errors = build_rounded_int8(checkpoints / name, rows[:60], 0, checkpoints / name / "rounded.onnx")
        write_json(checkpoints / name / "errors.json", errors)
    return checkpoints


def logits(graph, rows, variant=QDQ):
    return Engine(open_runtime(graph, variant)).logits(rows)


def relative_error(graph, folder, rows, variant=QDQ):
    expected = logits(folder / "fp32.onnx", rows, FP32)
    found = logits(graph, rows, variant)
    assert np.isfinite(found).all()
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


@ARCHITECTURES
def test_dynamic_int8_stays_near_fp32(checkpoints, rows, architecture, tmp_path):
    build_dynamic_int8(checkpoints / architecture / "fp32.onnx", tmp_path / "int8.onnx")
    assert 0 < relative_error(tmp_path / "int8.onnx", checkpoints / architecture, rows, DYNAMIC_INT8) < 0.2


@ARCHITECTURES
def test_static_int8_stays_near_fp32(checkpoints, rows, architecture, tmp_path):
    build_static_int8(checkpoints / architecture / "fp32.onnx", rows[:60], tmp_path / "int8.onnx")
    assert 0 < relative_error(tmp_path / "int8.onnx", checkpoints / architecture, rows) < 0.3


@ARCHITECTURES
def test_rounding_covers_every_layer_of_the_encoder(rounded, rows, architecture):
    graph = rounded / architecture / "rounded.onnx"
    assert 0 < relative_error(graph, rounded / architecture, rows, INT8_IN_F32) < 0.1
    assert len(quantised_layers(graph)) == 2 * 4
    stored = {tensor.name: tensor.data_type for tensor in onnx.load(graph).graph.initializer}
    assert sum(kind == onnx.TensorProto.INT8 and "Quantize" in name for name, kind in stored.items()) >= 2 * 6


@ARCHITECTURES
def test_fp16_stays_near_fp32(checkpoints, rows, architecture, tmp_path):
    folder = checkpoints / architecture
    build_cuda_fp16(folder / "fp32.onnx", folder, tmp_path / "fp16.onnx")
    assert relative_error(tmp_path / "fp16.onnx", folder, rows) < 0.03
    assert any(
        tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in onnx.load(tmp_path / "fp16.onnx").graph.initializer
    )


@ARCHITECTURES
def test_a_graph_without_int8_layers_is_nearly_the_fp32_graph(rounded, rows, architecture, tmp_path):
    graph = rounded / architecture / "rounded.onnx"
    pair = GraphPair(graph, rounded / architecture / "fp32.onnx")
    pair.write_without(quantised_layers(graph), tmp_path / "none.onnx")
    assert quantised_layers(tmp_path / "none.onnx") == []
    assert "QuantizeLinear" not in {node.op_type for node in onnx.load(tmp_path / "none.onnx").graph.node}
    assert relative_error(tmp_path / "none.onnx", rounded / architecture, rows) < 1e-4


def test_a_layer_left_out_is_the_only_one(rounded, rows, tmp_path):
    graph = rounded / "bert" / "rounded.onnx"
    layers = quantised_layers(graph)
    pair = GraphPair(graph, rounded / "bert" / "fp32.onnx")
    pair.write_without(layers[:1], tmp_path / "one.onnx")
    assert quantised_layers(tmp_path / "one.onnx") == layers[1:]
    with pytest.raises(ParityError, match="no quantised layer"):
        pair.write_without(["nonsense"], tmp_path / "two.onnx")


def test_another_seed_is_mixed_as_the_selected_one_was(rounded, rows, tmp_path):
    folder = rounded / "bert"
    layers = quantised_layers(folder / "rounded.onnx")
    pair = GraphPair(folder / "rounded.onnx", folder / "fp32.onnx")
    pair.write_without(layers[1:3], tmp_path / "selected.onnx")
    write_json(tmp_path / "apart.json", rows)
    graph, like = tmp_path / "openvino-int8-mixed.onnx", str(tmp_path / "selected.onnx")
    places = {"graph": str(graph), "fp32": str(folder / "fp32.onnx"), "checkpoint": str(folder), "like": like}
    rest = {"calibration_texts": 60, "steps": 0, "seed": 0, "head": "multi_class", "edges": {}, "limits": {}}
    build(BuildOrder(variant="openvino-int8-mixed", apart=str(tmp_path / "apart.json"), **places, **rest))
    assert quantised_layers(graph) == [layers[0], *layers[3:]]


def test_sensitivities_name_each_layer_with_its_error_and_weights(rounded, rows):
    folder = rounded / "bert"
    found = sensitivities(mixing(folder, rows))
    assert [one.layer for one in found] == quantised_layers(folder / "rounded.onnx")
    assert [one.weights for one in found[:4]] == [3 * 32 * 32, 32 * 32, 32 * 64, 64 * 32]
    assert all(one.error > 0 for one in found)
    with pytest.raises(ParityError, match="whose error was not measured"):
        sensitivities(replace(mixing(folder, rows), errors={}))


def mixing(folder, rows):
    errors = read_json(folder / "errors.json")
    return Mixing(folder / "rounded.onnx", folder / "fp32.onnx", rows, INT8_IN_F32, errors)


@pytest.mark.slow
def test_mixing_leaves_out_as_few_layers_as_are_enough(rounded, rows, tmp_path):
    folder, rows = rounded / "bert", rows[:60]
    wanted = relative_error(folder / "rounded.onnx", folder, rows, INT8_IN_F32) / 2

    def ranking_of(reference, found):
        error = np.sqrt(np.mean((found - reference) ** 2)) / reference.std()
        return Ranking.KEPT if error <= wanted else Ranking.NEAR_A_LIMIT

    left_out = build_mixed_int8(mixing(folder, rows), ranking_of, tmp_path / "mixed.onnx")
    assert 0 < len(left_out) < 8
    assert relative_error(tmp_path / "mixed.onnx", folder, rows, INT8_IN_F32) <= wanted
    pair = GraphPair(folder / "rounded.onnx", folder / "fp32.onnx")
    pair.write_without(left_out[:-1], tmp_path / "one_less.onnx")
    assert relative_error(tmp_path / "one_less.onnx", folder, rows, INT8_IN_F32) > wanted


@pytest.mark.slow
def test_mixing_refuses_a_ranking_that_no_layer_in_int8_keeps(rounded, rows, tmp_path):
    with pytest.raises(ParityError, match="is lost with any of the 8 layers in int8"):
        build_mixed_int8(mixing(rounded / "bert", rows), lambda *_: Ranking.LOST, tmp_path / "mixed.onnx")
    assert not (tmp_path / "mixed.onnx").exists()


@pytest.mark.slow
def test_distillation_lowers_the_error_and_repeats_itself(rounded, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(distil_int8, "LEARNING_RATE", 1e-4)  # weights of 32 channels are larger than those of 768
    folder = rounded / "bert"
    draw = np.random.default_rng(1)
    more = [draw.integers(5, 200, size=draw.integers(3, 12)).tolist() for _ in range(600)]
    for name in ("first", "second"):
        build_distilled_int8(folder, rows[:60], more, 30, 7, tmp_path / f"{name}.onnx")
    before = relative_error(folder / "rounded.onnx", folder, rows)
    assert relative_error(tmp_path / "first.onnx", folder, rows) < before
    assert (tmp_path / "first.onnx").read_bytes() == (tmp_path / "second.onnx").read_bytes()


def test_batches_hold_rows_of_one_length_and_all_of_them(rows):
    batches = equal_length_batches(rows, 30)
    assert sum(len(ids) for ids, _ in batches) == len(rows)
    assert all(mask.all() and (ids.shape[0] == 1 or ids.size <= 30) for ids, mask in batches)


def test_no_texts_and_unknown_configurations_are_refused(checkpoints, tmp_path):
    with pytest.raises(InputDataError, match="give a few hundred"):
        build_rounded_int8(checkpoints / "bert", [], 0, tmp_path / "int8.onnx")
    with pytest.raises(InputDataError, match="give a few hundred"):
        build_static_int8(checkpoints / "bert" / "fp32.onnx", [], tmp_path / "int8.onnx")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="num_attention_heads"):
        build_cuda_fp16(checkpoints / "bert" / "fp32.onnx", tmp_path, tmp_path / "fp16.onnx")
