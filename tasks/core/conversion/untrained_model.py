"""The untrained model with its head, three ways to its logits: as trained, as checked, and as scored.

PyTorch on each text alone, PyTorch on padded texts, and the exported graph must agree on an empty, short and long
texts. Run by rehearsal.py: `python -m tasks.core.conversion.untrained_model REHEARSAL`; a refusal goes to stdout, and
so does what the round's conversion will have to leave out.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.core.base.errors import ModelFolderError, WinnowError
from tasks.core.base.folders_aside import folder_aside
from tasks.core.base.naming.file_names import FP32_FILE, UNTRAINED_FOLDER
from tasks.core.base.naming.library_names import CONFIG_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from tasks.core.conversion.builders.export import export_onnx
from tasks.core.conversion.openvino_rehearsal import left_out
from tasks.core.conversion.parity.reference import checkpoint_logits
from tasks.core.conversion.rehearsal import PASSING, REFUSED, Rehearsal
from tasks.core.engines.loading import Engine, open_tokenizer
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32
from tasks.core.training.base_models.base_folder import require_digest
from tasks.core.training.base_models.load_base import load_classifier, load_tokenizer, may_pass, require_vectors

Logits = NDArray[np.float32]
Columns = dict[str, list[list[int]]]
SHORT = ("", "a", "good morning", "12 :) @x #y")
LONG = "the quick brown fox jumps over the lazy dog and looks for work, again and again; "
OWN_WORDS = 20
PADDED_TOKENS = 512
"""Rows of so many tokens are padded and compared, since padding a longer one takes its memory once a row."""
ALLOWED_SHARE = 0.01
"""Two ways may differ by this share of how far apart texts are; rounding stays near a thousandth of it."""
NOTHING = 1e-6
"""Logits that differ by no more than this share of themselves differ by rounding alone."""
SHOWN = 3
TYPES_FAULT = (
    "its tokenizer gives a single text token types other than 0, which training would use and engines do not get: "
    "take token_type_ids out of model_input_names in tokenizer_config.json, or set type_id to 0 in tokenizer.json"
)
PADDING_FAULT = (
    "padding changes its logits, so that it would be trained on others than it scores with: it does not heed the "
    "attention mask, or its tokenizer's pad_token is another than pad_token_id in config.json"
)


def try_untrained(rehearsal: Rehearsal) -> str:
    """Build the untrained model, compare the three ways, and return why variants of OpenVINO cannot serve, or nothing.

    Raises:
        ModelFolderError: the model cannot be loaded or exported, two ways, of tokens too, differ, or only variants that
            cannot serve are asked for; what is wrong is named.
    """
    folder = Path(rehearsal.base_model)
    require_digest(rehearsal.base_model, rehearsal.digest)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    names = [str(number) for number in range(rehearsal.classes)]
    model = load_classifier(folder, names, rehearsal.freeze_embeddings, attn_implementation="eager").eval()
    require_vectors(folder, tokenizer, model)
    return _compare(rehearsal, model, tokenizer, _encode(rehearsal, tokenizer))


def _encode(rehearsal: Rehearsal, tokenizer: Any) -> Columns:
    """Return all that the tokenizer makes of the texts, having checked that an engine gets the same tokens."""
    length, long = rehearsal.max_length_tokens, _readable(tokenizer)
    texts = [*SHORT, long, long * 10, long * length]
    columns: Columns = dict(tokenizer(texts, truncation=True, max_length=length))
    engine = open_tokenizer(str(Path(rehearsal.base_model) / TOKENIZER_FILE), length)
    found = [encoding.ids for encoding in engine.encode_batch(texts)]
    for text, wanted, got in zip(texts, columns["input_ids"], found, strict=True):
        if wanted != got:
            fault = (
                f"training would read {text[:20]!r} as the tokens {wanted[:20]}, engines as {got[:20]}: "
                f"{TOKENIZER_CONFIG_FILE} makes another tokenizer than {TOKENIZER_FILE} (look at its tokenizer_class)"
            )
            raise _refusal(rehearsal, fault)
    if all(row == columns["input_ids"][0] for row in columns["input_ids"]):
        fault = f"its {TOKENIZER_FILE} makes the same tokens of every text: {columns['input_ids'][0][:20]}"
        raise _refusal(rehearsal, fault)
    return columns


def _readable(tokenizer: Any) -> str:
    """Return a sentence, or words of the tokenizer's own where it drops all letters of that, as of another script."""
    if tokenizer(LONG)["input_ids"] != tokenizer("")["input_ids"]:
        return LONG
    own = set(tokenizer.get_vocab().values()).difference(tokenizer.all_special_ids)
    return f"{tokenizer.decode(sorted(own)[:OWN_WORDS])} "


def _compare(rehearsal: Rehearsal, model: Any, tokenizer: Any, columns: Columns) -> str:
    rows = columns["input_ids"]
    _tried(rehearsal, "cannot read a short text", lambda: checkpoint_logits(model, rows[: len(SHORT)]))
    too_long = f"cannot read {max(map(len, rows))} tokens, as training.max_length_tokens asks"
    alone = _tried(rehearsal, too_long, lambda: checkpoint_logits(model, rows))
    _require_telling(rehearsal, model, alone)
    few = [number for number, row in enumerate(rows) if len(row) <= PADDED_TOKENS]
    batch = {name: [column[number] for number in few] for name, column in columns.items()}
    padded = _tried(rehearsal, "cannot read padded texts", lambda: _padded_logits(model, tokenizer, batch))
    typed = any(any(types) for types in columns.get("token_type_ids", []))
    _require_same(rehearsal, alone[few], padded, TYPES_FAULT if typed else PADDING_FAULT)
    with _graph(Path(rehearsal.scratch or tempfile.gettempdir())) as graph:
        fault = "cannot be exported to ONNX and run"
        exported = _tried(rehearsal, fault, lambda: _exported_logits(model, rows, graph))
        _require_same(rehearsal, alone, exported, "its ONNX graph gives other logits than PyTorch")
        return left_out(rehearsal, graph, rows, alone, ALLOWED_SHARE)


def _padded_logits(model: Any, tokenizer: Any, columns: Columns) -> Logits:
    """Return the logits as training sees them: of padded texts, by all that the tokenizer gives."""
    batch = tokenizer.pad(columns, return_tensors="pt")
    with torch.inference_mode():
        return np.asarray(model(**batch).logits.numpy())


def _require_telling(rehearsal: Rehearsal, model: Any, logits: Logits) -> None:
    """Refuse logits that say nothing of a text: comparing them would find no fault."""
    if not np.isfinite(logits).all():
        bad = [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]
        where = f"its weights {', '.join(bad[:SHOWN])} are not" if bad else "its weights are too large"
        raise _refusal(rehearsal, f"its logits are not finite: {where}")
    if np.ptp(logits, axis=0).max() <= NOTHING * np.abs(logits).max():
        raise _refusal(
            rehearsal,
            "it gives every text the same logits: its weights are zero, or it reads a text from the left "
            f"(is_decoder in {CONFIG_FILE}) and is judged by its first token",
        )


@contextmanager
def _graph(scratch: Path) -> Iterator[Path]:
    """Yield where the graph goes; what a process that was killed here left in `scratch` goes with the next."""
    with folder_aside(scratch / UNTRAINED_FOLDER) as folder:
        yield folder / FP32_FILE


def _exported_logits(model: Any, rows: list[list[int]], graph: Path) -> Logits:
    export_onnx(model, graph)
    return Engine(open_runtime(graph, FP32)).logits(rows)


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
    ANSWER = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    try:
        ANSWER.write(try_untrained(Rehearsal(**json.loads(sys.argv[1]))))
    except WinnowError as refused:
        ANSWER.write(f"{refused}\n")
        sys.exit(REFUSED)
    except Exception as error:
        if not may_pass(error):
            raise
        ANSWER.write(json.dumps([getattr(error, "errno", 0), str(error)]))
        sys.exit(PASSING)
