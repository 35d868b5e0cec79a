"""Open a graph in the runtime of its variant, on the threads granted to this process."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tasks.core.errors import MachineError
from tasks.core.inference.variants import CPU_PROVIDER, Variant
from tasks.core.threads import cpu_threads

OPENVINO_CACHED_SHAPES = 128
"""Batches come in thousands of shapes; by default OpenVINO keeps kernels for 5,000, and 1,500 texts cost 200 MiB."""

Run = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""Takes token ids and attention mask of shape (rows, tokens), gives logits of shape (rows, columns)."""


def open_runtime(path: Path, variant: Variant) -> Run:
    """Open a graph as `variant` says.

    Raises:
        MachineError: the runtime would run it elsewhere or in another number format than it was asked to.
    """
    return _open_openvino(path, variant) if variant.runtime == "openvino" else _open_onnxruntime(path, variant)


def _open_onnxruntime(path: Path, variant: Variant) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = [variant.provider] + ([CPU_PROVIDER] if variant.provider != CPU_PROVIDER else [])
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    if session.get_providers() != providers:
        raise MachineError(f"{path} was opened on {session.get_providers()}, asked for was {variant.provider}")
    return partial(_run_onnxruntime, session)


def _run_onnxruntime(session: Any, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
    return logits


def _open_openvino(path: Path, variant: Variant) -> Run:
    import openvino  # noqa: PLC0415 - a second to import, and most processes need one runtime

    settings = {
        "INFERENCE_PRECISION_HINT": variant.precision,
        "INFERENCE_NUM_THREADS": cpu_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # else every worker of a node takes the same cores
        "CPU_RUNTIME_CACHE_CAPACITY": OPENVINO_CACHED_SHAPES,
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if precision != variant.precision:
        raise MachineError(
            f"{path} needs {variant.precision}, but OpenVINO runs it in {precision} on this CPU. Convert the model on "
            "the kind of machine that scores, or set inference.fall_back_to_fp32 in the round file."
        )
    return partial(_run_openvino, compiled.create_infer_request())


def _run_openvino(request: Any, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.array(request.infer({"input_ids": ids, "attention_mask": mask})["logits"], dtype=np.float32)
