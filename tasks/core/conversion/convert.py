"""Checkpoint -> engine model.

Reads   a checkpoint's folder and texts of the sample
Writes  <folder>/  model.onnx (fp32), tokenizer.json, parity.json, engine.json: see model_folder
"""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoTokenizer, PreTrainedModel

from tasks.core.conversion.export import export_onnx, load_checkpoint
from tasks.core.conversion.parity import Parity, compare_logits, require_strict_parity
from tasks.core.errors import ModelFolderError
from tasks.core.files import sha256_of_file, write_json
from tasks.core.inference.batching import pad_batch, plan_batches
from tasks.core.inference.engine import Engine, open_session, open_tokenizer
from tasks.core.inference.model_folder import (
    ONNX_FILE,
    PARITY_FILE,
    TOKENIZER_FILE,
    EngineModel,
    read_engine_model,
    write_engine_model,
)
from tasks.core.preprocessing import preprocess, require_preprocessing
from tasks.core.threads import cpu_threads
from tasks.core.training.checkpoint import CheckpointCard, read_card
from tasks.core.training.heads import label_column

BATCH_TOKENS = 2_048
FP32 = "onnxruntime-fp32"
DYNAMIC_INT8 = "onnxruntime-dynamic-int8"


def convert(checkpoint: Path, label: str, texts: list[str], folder: Path) -> EngineModel:
    """Export, quantise and compare with the checkpoint; leave the fp32 engine model in `folder`.

    Raises:
        ParityError: the fp32 engine model's logits are not the checkpoint's.
        ModelFolderError: the checkpoint is not one of Winnow's, scores another label, or lacks a file.
    """
    torch.set_num_threads(cpu_threads())
    card = read_card(checkpoint)
    if label not in card.labels:
        raise ModelFolderError(
            f"{checkpoint} scores {list(card.labels)}, not '{label}'; check what the round's alias stands for"
        )
    require_preprocessing(card.preprocessing, card.preprocessing_digest)
    column = label_column(card.head, card.labels, label)
    prepared = preprocess(card.preprocessing, texts)
    pad_id = _pad_id(checkpoint)
    building = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    building.mkdir(parents=True)
    try:
        parities = _build(checkpoint, card, column, prepared, building)
        write_json(building / PARITY_FILE, {"variants": [asdict(parity) for parity in parities], "serves": FP32})
        write_engine_model(_describe(building, card, label, column, pad_id))
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return read_engine_model(folder)


def _build(checkpoint: Path, card: CheckpointCard, column: int, texts: list[str], folder: Path) -> list[Parity]:
    """Write graph and tokenizer into `folder`; return every variant's figures."""
    if not (checkpoint / TOKENIZER_FILE).is_file():
        raise ModelFolderError(f"{checkpoint} has no {TOKENIZER_FILE}; only fast tokenizers can be converted")
    shutil.copy(checkpoint / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    pad_id = _pad_id(checkpoint)
    model = load_checkpoint(checkpoint)
    export_onnx(model, folder / ONNX_FILE)
    reference = _checkpoint_logits(model, checkpoint, card, texts)
    fp32 = _engine_logits(folder / ONNX_FILE, folder, card, texts, pad_id)
    strict = compare_logits(FP32, reference, fp32, column, card.head)
    require_strict_parity(strict, texts, reference, fp32)
    int8_path = folder / "int8.onnx"
    quantize_dynamic(folder / ONNX_FILE, int8_path, weight_type=QuantType.QInt8, per_channel=True)
    int8 = _engine_logits(int8_path, folder, card, texts, pad_id)
    int8_path.unlink()
    return [strict, compare_logits(DYNAMIC_INT8, reference, int8, column, card.head)]


def _checkpoint_logits(
    model: PreTrainedModel, checkpoint: Path, card: CheckpointCard, texts: list[str]
) -> NDArray[np.float32]:
    """Score with PyTorch and the checkpoint's own tokenizer class: independent of the engine's path."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    rows = tokenizer(texts, truncation=True, max_length=card.max_length_tokens)["input_ids"]

    def forward(batch: list[list[int]]) -> NDArray[np.float32]:
        ids, mask = pad_batch(batch, tokenizer.pad_token_id)
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
            ).logits.numpy()
        return logits

    return _in_batches(rows, forward)


def _engine_logits(
    onnx_path: Path, folder: Path, card: CheckpointCard, texts: list[str], pad_id: int
) -> NDArray[np.float32]:
    """Score with the engine and the tokenizer that will travel with it."""
    tokenizer = open_tokenizer(str(folder / TOKENIZER_FILE), card.max_length_tokens)
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    engine = Engine(pad_id, open_session(onnx_path))
    return _in_batches(rows, engine.logits)


def _in_batches(
    rows: list[list[int]], forward: Callable[[list[list[int]]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    batches = plan_batches(np.array([len(row) for row in rows]), BATCH_TOKENS)
    scored = np.concatenate([forward([rows[row] for row in batch]) for batch in batches])
    logits = np.empty_like(scored)
    logits[np.concatenate(batches)] = scored
    return logits


def _pad_id(checkpoint: Path) -> int:
    return int(AutoTokenizer.from_pretrained(checkpoint, local_files_only=True).pad_token_id)


def _describe(folder: Path, card: CheckpointCard, label: str, column: int, pad_id: int) -> EngineModel:
    return EngineModel(
        folder=str(folder),
        label=label,
        head=card.head,
        variant=FP32,
        positive_index=column,
        pad_id=pad_id,
        max_length_tokens=card.max_length_tokens,
        preprocessing=card.preprocessing,
        preprocessing_digest=card.preprocessing_digest,
        config_hash=card.config_hash,
        files={name: sha256_of_file(folder / name) for name in (ONNX_FILE, TOKENIZER_FILE, PARITY_FILE)},
    )
