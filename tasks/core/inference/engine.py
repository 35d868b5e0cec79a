"""An engine model opened for scoring: ONNX Runtime on this process's threads."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tasks.core.errors import ModelFolderError
from tasks.core.inference.batching import pad_batch
from tasks.core.inference.model_folder import ONNX_FILE, EngineModel, read_engine_model
from tasks.core.threads import cpu_threads

PROVIDER = "CPUExecutionProvider"


@dataclass(frozen=True)
class Engine:
    """A graph, ready to give logits."""

    pad_id: int
    session: Any

    def logits(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Return the logits, of shape (rows, columns), of token id lists."""
        ids, mask = pad_batch(rows, self.pad_id)
        outputs = self.session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
        logits: NDArray[np.float32] = outputs[0]
        return logits


@cache
def open_engine(folder: str) -> tuple[EngineModel, Engine]:
    """Verify a model folder's files and open its graph, once a process; labels of one model share the graph.

    Raises:
        ModelFolderError: a file is missing or not the registered one, or the graph cannot run here.
    """
    model = read_engine_model(Path(folder))
    return model, Engine(model.pad_id, _session(model.files[ONNX_FILE], model.onnx_path))


_SESSIONS: dict[str, onnxruntime.InferenceSession] = {}
"""Open graphs by the sha256 of their files."""


def _session(sha256: str, path: Path) -> onnxruntime.InferenceSession:
    if sha256 not in _SESSIONS:
        _SESSIONS[sha256] = open_session(path)
    return _SESSIONS[sha256]


@cache
def open_tokenizer(path: str, max_length_tokens: int) -> Tokenizer:
    """Open `tokenizer.json` to truncate and not to pad; some files have padding baked in."""
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length_tokens)
    return tokenizer


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open an ONNX graph on the threads granted to this process, and check that it runs where it was asked to."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDER])
    if session.get_providers() != [PROVIDER]:
        raise ModelFolderError(f"{path} was opened on {session.get_providers()}, asked for was {PROVIDER}")
    return session
