"""How texts were scored before: one text a call with ONNX Runtime, and transformers' own pipeline."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import pipeline

from tasks.core.engines.batching import stack_rows
from tasks.core.engines.runtimes import Run, open_runtime
from tasks.core.engines.variants import DYNAMIC_INT8, FP32

PIPELINE_BATCH_SIZE = 32


def open_old_int8(fp32: Path, folder: Path) -> Run:
    """Quantise the un-fused graph dynamically, per channel, and open it."""
    graph = folder / "old_way_int8.onnx"
    quantize_dynamic(fp32, graph, weight_type=QuantType.QInt8, per_channel=True)
    return open_runtime(graph, DYNAMIC_INT8)


def open_old_fp32(fp32: Path) -> Run:
    """Open the fp32 graph."""
    return open_runtime(fp32, FP32)


def one_text_a_call(run: Run, rows: list[list[int]]) -> None:
    """Score token rows in the order in which they came, each by itself."""
    for row in rows:
        run(*stack_rows([row]))


def one_text_a_call_from_texts(run: Run, tokenizer: Tokenizer, texts: list[str]) -> None:
    """Tokenise and score texts in the order in which they came, each by itself."""
    for text in texts:
        run(*stack_rows([tokenizer.encode(text).ids]))


def open_pipeline(checkpoint: Path, max_length_tokens: int) -> Callable[[list[str]], object]:
    """Open transformers' text classification in fp32; it takes texts in the order in which they came."""
    classify = pipeline("text-classification", model=str(checkpoint), device="cpu", dtype=torch.float32)
    return partial(classify, batch_size=PIPELINE_BATCH_SIZE, truncation=True, max_length=max_length_tokens)
