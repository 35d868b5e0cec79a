"""The checkpoint's own logits: PyTorch, and transformers' class around the same tokenizer.json."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedModel

from tasks.core.engines.loading import Engine


def checkpoint_rows(checkpoint: Path, texts: list[str], max_length_tokens: int) -> list[list[int]]:
    """Return the tokens of preprocessed texts."""
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    rows: list[list[int]] = tokenizer(texts, truncation=True, max_length=max_length_tokens)["input_ids"]
    return rows


def checkpoint_logits(model: PreTrainedModel, rows: list[list[int]]) -> NDArray[np.float32]:
    """Return the logits, of shape (rows, columns), of token rows in fp32."""

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
            ).logits.numpy()
        return logits

    return Engine(run).logits(rows)
