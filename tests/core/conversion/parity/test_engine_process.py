"""A variant in a process of its own, and how much its logits depend on neighbours."""

import os
import signal
from dataclasses import replace

import numpy as np
import onnx
import pytest

from tasks.core.base.cpu import FP16_FLAGS, cpu_features
from tasks.core.base.errors import ParityError
from tasks.core.base.files import write_json
from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.builders.onnx_int8 import build_dynamic_int8
from tasks.core.conversion.parity.batch_variance import variances
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.engines.loading import Engine
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import CUDA_FP16, DYNAMIC_INT8, FP32, OPENVINO_BF16, has_bf16
from tests.support.tiny import save_tiny_checkpoint


@pytest.fixture(scope="module")
def graph(tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    checkpoint = save_tiny_checkpoint(tiny_bert, folder / "checkpoint", ("positive",), 0)
    export_onnx(load_checkpoint(checkpoint), folder / "fp32.onnx")
    return folder / "fp32.onnx"


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(0)
    return [draw.integers(5, 200, length).tolist() for length in draw.integers(3, 30, 300)]


@pytest.fixture
def rows_file(rows, tmp_path):
    write_json(tmp_path / "rows.json", rows)
    return tmp_path / "rows.json"


def test_logits_come_back_in_the_order_of_the_rows(graph, rows, rows_file):
    with EngineProcess(graph, FP32) as process:
        found = process.logits(rows_file)
        assert process.seconds(rows_file) > 0
        assert 20 < process.peak_memory_mebibytes() < 2_000
    engine = Engine(open_runtime(graph, FP32))
    assert np.array_equal(found, np.concatenate([engine.logits([row]) for row in rows]))
    assert list(rows_file.parent.glob("*.npy")) == []


def test_a_variant_that_cannot_run_says_why(graph, rows_file):
    with EngineProcess(graph, CUDA_FP16) as process, pytest.raises(ParityError, match="asked for was CUDA"):
        process.logits(rows_file)


def test_a_file_that_is_no_graph_says_so(rows_file, tmp_path):
    (tmp_path / "torn.onnx").write_bytes(b"not a graph")
    with EngineProcess(tmp_path / "torn.onnx", FP32) as process, pytest.raises(ParityError, match="onnxruntime-fp32"):
        process.logits(rows_file)


def test_a_killed_process_costs_only_its_variant(graph, rows_file):
    with EngineProcess(graph, FP32) as process:
        process.logits(rows_file)
        os.kill(process._process.pid, signal.SIGKILL)
        with pytest.raises(ParityError, match="its process ended with status -9"):
            process.logits(rows_file)


def test_a_graph_that_dies_when_run_leaves_its_last_words(graph, rows_file, tmp_path):
    model = onnx.load(graph)
    model.graph.input[0].name = "ids"
    onnx.save(model, tmp_path / "renamed.onnx")
    with EngineProcess(tmp_path / "renamed.onnx", FP32) as process, pytest.raises(ParityError, match="cannot run here"):
        process.logits(rows_file)


def test_fp32_does_not_depend_on_neighbours(graph, rows):
    engine = Engine(open_runtime(graph, FP32))
    batch, padding = variances(engine, rows)
    assert batch < 1e-5
    assert padding < 1e-4


def test_dynamic_int8_depends_on_neighbours(graph, rows, tmp_path):
    build_dynamic_int8(graph, tmp_path / "int8.onnx")
    engine = Engine(open_runtime(tmp_path / "int8.onnx", DYNAMIC_INT8))
    assert variances(engine, rows)[0] > 1e-3


@pytest.mark.skipif(not has_bf16(), reason="this CPU does not multiply bf16 matrices")
def test_bf16_depends_on_padding_and_not_on_neighbours_of_its_length(graph, rows):
    engine = Engine(open_runtime(graph, OPENVINO_BF16))
    batch, padding = variances(engine, rows)
    assert batch == 0.0
    assert np.isfinite(padding)


@pytest.mark.skipif(
    not has_bf16() or FP16_FLAGS & set(cpu_features()), reason="this CPU multiplies fp16 matrices, or no bf16 ones"
)
def test_openvino_that_would_run_in_another_format_is_refused(graph):
    from tasks.core.base.errors import MachineError  # noqa: PLC0415

    with pytest.raises(MachineError, match=r"needs f16, but OpenVINO runs it in bf16"):
        open_runtime(graph, replace(OPENVINO_BF16, precision="f16"))


def test_a_number_that_is_none_is_not_lost_among_others():
    def fails_among_others(ids, _mask):
        return np.full((len(ids), 2), np.nan if len(ids) > 1 else 0.0, dtype=np.float32)

    engine = Engine(fails_among_others)
    assert np.isnan(variances(engine, [[5, 6, 7, 8]] * 40)[0])
