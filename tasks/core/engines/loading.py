"""An engine model opened for scoring: from texts to logits, on this process's threads."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tasks.core.base.errors import MachineError, ModelFolderError
from tasks.core.base.naming.library_names import TOKENIZER_FILE
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.batching import filled_size, plan_batches, stack_rows
from tasks.core.engines.canaries import read_canaries, require_canaries
from tasks.core.engines.model_folder import EngineModel, read_engine_model, read_planned_model
from tasks.core.engines.runtimes import Run, open_runtime
from tasks.core.engines.variants import Variant

BATCH_TOKENS = 2_048


@dataclass(frozen=True)
class Engine:
    """A graph, ready to give logits."""

    run: Run

    def logits(self, rows: list[list[int]], batch_tokens: int = BATCH_TOKENS) -> NDArray[np.float32]:
        """Return the logits, of shape (rows, columns), of token id lists, in batches of equal length."""
        if not rows:
            return np.empty((0, 0), dtype=np.float32)
        batches = plan_batches(np.array([len(row) for row in rows], dtype=np.int64), batch_tokens)
        scored = np.concatenate([self._filled([rows[row] for row in batch], batch_tokens) for batch in batches])
        logits = np.empty_like(scored)
        logits[np.concatenate(batches)] = scored
        return logits

    def _filled(self, batch: list[list[int]], batch_tokens: int) -> NDArray[np.float32]:
        """Return the logits of rows of one length, run in one of the few shapes of that length."""
        size = filled_size(len(batch), len(batch[-1]), batch_tokens)
        return self.run(*stack_rows(batch + batch[-1:] * (size - len(batch))))[: len(batch)]


@cache
def open_engine(folder: str, fall_back_to_fp32: bool = False, seal: str | None = None) -> tuple[EngineModel, Engine]:
    """Verify a model folder's files, open its graph and run its canaries, once a process.

    Who was told which engine model it should be gives its `seal`; None is for who makes one, or has only the folder.
    With `fall_back_to_fp32`, a machine that gives other logits than the one the model was made on gets the fp32 graph;
    the EngineModel returned says which variant it is.

    Raises:
        ModelFolderError: a file is missing or not the registered one, or the engine model has another seal.
        MachineError: the graph cannot run here as it was made, or its canaries give other logits.
    """
    model = read_engine_model(Path(folder)) if seal is None else read_planned_model(folder, seal)
    try:
        return model, _checked(model)
    except MachineError:
        if not fall_back_to_fp32 or model.variant == model.in_fp32().variant:
            raise
        return model.in_fp32(), _checked(model.in_fp32())


def _checked(model: EngineModel) -> Engine:
    """Open the graph; labels of one model share it. Every label's canaries are run."""
    engine = _open(model.files[model.graph], str(Path(model.folder) / model.graph), model.variant)
    canaries = read_canaries(Path(model.folder))
    tokenizer = tokenizer_of(model)
    rows = [encoding.ids for encoding in tokenizer.encode_batch(canaries.prepared(model.preprocessing))]
    require_canaries(canaries, model, engine.logits(rows))
    return engine


_ENGINES: dict[tuple[str, Variant], Engine] = {}
"""Open graphs are kept here by the sha256 of their files."""


def _open(sha256: str, path: str, variant: Variant) -> Engine:
    if (sha256, variant) not in _ENGINES:
        _ENGINES[sha256, variant] = Engine(open_runtime(Path(path), variant))
    return _ENGINES[sha256, variant]


def close_engines() -> None:
    """Forget the open engines, so that a process that goes on to other work has their memory back."""
    open_engine.cache_clear()
    read_planned_model.cache_clear()
    open_tokenizer.cache_clear()
    _ENGINES.clear()


def tokenizer_of(model: EngineModel) -> Tokenizer:
    """Open an engine model's tokenizer, which must be the one that its `engine.json` names."""
    return open_tokenizer(str(model.tokenizer_path), model.max_length_tokens, model.files.get(TOKENIZER_FILE))


@cache
def open_tokenizer(path: str, max_length_tokens: int, sha256: str | None = None) -> Tokenizer:
    """Open `tokenizer.json` to truncate and not to pad; some files have padding baked in.

    Raises:
        ModelFolderError: its bytes have another sha256 than the one that is given.
    """
    content = Path(path).read_bytes()
    if sha256 is not None and (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ModelFolderError(f"{path} has sha256 {found}, but {sha256} was registered: delete the folder to fetch it")
    os.environ.setdefault("RAYON_NUM_THREADS", str(cpu_threads()))  # read when the first batch is tokenised
    tokenizer = Tokenizer.from_str(content.decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length_tokens)
    return tokenizer
