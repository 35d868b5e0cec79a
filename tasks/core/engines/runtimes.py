"""Open a graph in the runtime of its variant, on the threads granted to this process."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tasks.core.base.errors import MachineError
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.variants import CPU_PROVIDER, Variant

Run = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]
"""It takes token ids and attention mask of shape (rows, tokens), and gives logits of shape (rows, columns)."""


def open_runtime(path: Path, variant: Variant) -> Run:
    """Open a graph as `variant` says.

    Raises:
        MachineError: the runtime would run it elsewhere or in another number format than it was asked to.
    """
    if variant.runtime == "onnxruntime":
        return _open_onnxruntime(path, variant)
    from tasks.core.engines.openvino_runtime import open_openvino  # noqa: PLC0415 - a second, and most need one only

    return open_openvino(path, variant)


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
