"""The untrained model with its head, three ways to its logits: as trained, as checked, and as scored.

PyTorch on each text alone, PyTorch on padded texts, and the exported graph must agree on an empty, short and long
texts. Run by rehearsal.py: `python -m tasks.core.conversion.untrained_model REHEARSAL`; a refusal goes to stdout.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.core.base.errors import ModelFolderError, WinnowError
from tasks.core.base.folders_aside import folder_aside
from tasks.core.base.naming import FP32_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, UNTRAINED_FOLDER
from tasks.core.conversion.builders.export import export_onnx
from tasks.core.conversion.parity.reference import checkpoint_logits
from tasks.core.conversion.rehearsal import PASSING, REFUSED, Rehearsal
from tasks.core.engines.loading import Engine, open_tokenizer
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32
from tasks.core.training.base_models.base_folder import require_digest
from tasks.core.training.base_models.load_base import load_classifier, load_tokenizer, may_pass, require_vectors

Logits = NDArray[np.float32]
SHORT = ("", "a", "good morning", "12 :) @x #y")
LONG = "the quick brown fox jumps over the lazy dog and looks for work, again and again; "
PADDED_TOKENS = 512
"""Rows of so many tokens are padded and compared, since padding a longer one takes its memory once a row."""
ALLOWED_SHARE = 0.01
"""Two ways may differ by this share of how far apart texts are; rounding stays near a thousandth of it."""
PADDING_FAULT = (
    "padding changes its logits, so that it would be trained on others than it scores with: it does not heed the "
    "attention mask, or its tokenizer's pad_token is another than pad_token_id in config.json"
)


def try_untrained(rehearsal: Rehearsal) -> None:
    """Build the untrained model, and compare the three ways.

    Raises:
        ModelFolderError: the model cannot be loaded or exported, or two ways, of tokens too, differ; what is wrong is
            named.
    """
    folder = Path(rehearsal.base_model)
    require_digest(rehearsal.base_model, rehearsal.digest)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    names = [str(number) for number in range(rehearsal.classes)]
    model = load_classifier(folder, names, rehearsal.freeze_embeddings, attn_implementation="eager").eval()
    require_vectors(folder, tokenizer, model)
    _compare(rehearsal, model, tokenizer, _rows(rehearsal, tokenizer))


def _rows(rehearsal: Rehearsal, tokenizer: Any) -> list[list[int]]:
    """Return the tokens of the texts, having checked that an engine gets the same."""
    length = rehearsal.max_length_tokens
    texts = [*SHORT, LONG, LONG * 10, LONG * length]
    rows: list[list[int]] = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
    engine = open_tokenizer(str(Path(rehearsal.base_model) / TOKENIZER_FILE), length)
    found = [encoding.ids for encoding in engine.encode_batch(texts)]
    for text, wanted, got in zip(texts, rows, found, strict=True):
        if wanted != got:
            fault = (
                f"training would read {text[:20]!r} as the tokens {wanted[:20]}, engines as {got[:20]}: "
                f"{TOKENIZER_CONFIG_FILE} makes another tokenizer than {TOKENIZER_FILE} (look at its tokenizer_class)"
            )
            raise _refusal(rehearsal, fault)
    return rows


def _compare(rehearsal: Rehearsal, model: Any, tokenizer: Any, rows: list[list[int]]) -> None:
    too_long = f"cannot read {max(map(len, rows))} tokens, as training.max_length_tokens asks"
    alone = _tried(rehearsal, too_long, lambda: checkpoint_logits(model, rows))
    if not np.isfinite(alone).all():
        raise _refusal(rehearsal, "its logits are no finite numbers: weights are NaN, infinite, or far too large")
    few = [number for number, row in enumerate(rows) if len(row) <= PADDED_TOKENS]
    batch = [rows[number] for number in few]
    padded = _tried(rehearsal, "cannot read padded texts", lambda: _padded_logits(model, tokenizer, batch))
    _require_same(rehearsal, alone[few], padded, PADDING_FAULT)
    scratch = Path(rehearsal.scratch or tempfile.gettempdir())
    exported = _tried(rehearsal, "cannot be exported to ONNX and run", lambda: _exported_logits(model, rows, scratch))
    _require_same(rehearsal, alone, exported, "its ONNX graph gives other logits than PyTorch")


def _padded_logits(model: Any, tokenizer: Any, rows: list[list[int]]) -> Logits:
    batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
    with torch.inference_mode():
        padded = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    return np.asarray(padded.logits.numpy())


def _exported_logits(model: Any, rows: list[list[int]], scratch: Path) -> Logits:
    """Return the graph's logits; what a process that was killed here left in `scratch` goes with the next."""
    folder = folder_aside(scratch / UNTRAINED_FOLDER)
    try:
        export_onnx(model, folder / FP32_FILE)
        return Engine(open_runtime(folder / FP32_FILE, FP32)).logits(rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(rehearsal: Rehearsal, fault: str, run: Callable[[], Logits]) -> Logits:
    """Go one way; what goes wrong there, unless it may pass, would go wrong after hours of training."""
    try:
        return run()
    except Exception as error:
        if may_pass(error):
            raise
        raise _refusal(rehearsal, f"{fault} ({type(error).__name__}: {' '.join(str(error).split())[:300]})") from error


def _require_same(rehearsal: Rehearsal, wanted: Logits, found: Logits, fault: str) -> None:
    expected = (len(wanted), rehearsal.classes)
    if wanted.shape != expected or found.shape != expected:
        raise _refusal(rehearsal, f"it gives logits of shape {found.shape}; one of each text and class is {expected}")
    apart = float(np.ptp(wanted, axis=0).max())
    difference = float(np.abs(wanted - found).max())
    if not difference <= ALLOWED_SHARE * apart:
        raise _refusal(rehearsal, f"{fault} (texts are up to {apart:.2g} apart, the two ways {difference:.2g})")


def _refusal(rehearsal: Rehearsal, fault: str) -> ModelFolderError:
    return ModelFolderError(
        f"what is trained from {rehearsal.base_model} could not be used, so nothing is trained: {fault}. Mend what is "
        "named here, or name another base_model in the round file."
    )


if __name__ == "__main__":
    try:
        try_untrained(Rehearsal(**json.loads(sys.argv[1])))
    except WinnowError as refused:
        sys.stdout.write(f"{refused}\n")
        sys.exit(REFUSED)
    except Exception as error:
        if not may_pass(error):
            raise
        sys.stdout.write(json.dumps([getattr(error, "errno", 0), str(error)]))
        sys.exit(PASSING)
