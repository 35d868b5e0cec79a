"""Batches filled up to few sizes, against batches of just the rows that there are, in one run.

Run with `make bench NAME=shapes`. Writes .winnow/bench/shapes.json. MiniLM with a random head scores the batches of a
shard of 50,000 preprocessed real texts on one thread. `filled` is what Engine.logits does; `exact` is the way before.

shapes_of_shards    distinct (rows, tokens) after 1, 2, 4 and so on shards of texts that are drawn anew.
filled_rows         rows that are copies, as a share of a shard's rows.
new_shape_ms        CPU time of a shape's first batch beyond that of its second.
same_bits           whether a batch has the same logits in both ways.
speed_over_exact    CPU time of the shard's batches exact, over filled. A length's last batch is run in turns, ROUNDS
                    times; full batches are the same in both ways and one in FULL_STRIDE of them is run, once.
memory              of a process that runs 100,000 batches of a tiny model: MiB and distinct shapes as they grow.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, BertConfig, BertForSequenceClassification

from tasks.core.conversion.builders.export import export_onnx
from tasks.core.conversion.builders.rounded_int8 import build_rounded_int8
from tasks.core.engines.batching import filled_size, plan_batches, stack_rows
from tasks.core.engines.loading import BATCH_TOKENS, Engine, open_tokenizer
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import FP32, OPENVINO_BF16, Variant, has_bf16, openvino_int8
from tasks.core.preprocessing import preprocess
from tests.benchmarks.base_models import MINILM
from tests.benchmarks.real_texts import draw_texts, tokenizer_file
from tests.benchmarks.report import write_report
from tests.benchmarks.trained import MAX_LENGTH_TOKENS, PREPROCESSING

FOLDER = Path(".winnow/bench/shapes")
DOUBLINGS = 8
ROUNDS = 3
FULL_STRIDE = 5
CALIBRATION_TEXTS = 300
BATCHES = 100_000
DRAWN_ROWS = 10_000
DRAWN_TOKENS = 512
MARKS = (1_000, 10_000, 20_000, 50_000, BATCHES)
WAYS = ("exact", "filled")
Rows = list[list[int]]


def main() -> None:
    """Build the graphs, measure, and write the report."""
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = _rows()
    lengths = _lengths(rows)
    np.save(FOLDER / "lengths.npy", lengths)
    report = _shapes(lengths) | {name: _compare(*made, rows) for name, made in _graphs(rows).items()}
    write_report("shapes", report | {"memory": [_memory(way, kind) for way in WAYS for kind in _tiny()]})


def _rows() -> Rows:
    tokenizer = open_tokenizer(tokenizer_file(MINILM), MAX_LENGTH_TOKENS)
    texts = preprocess(PREPROCESSING, draw_texts())
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def _lengths(rows: Rows) -> NDArray[np.int64]:
    return np.array([len(row) for row in rows], dtype=np.int64)


def _graphs(rows: Rows) -> dict[str, tuple[Path, Variant]]:
    """Return the graphs of a MiniLM with a random head, by variant."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(MINILM, num_labels=2, attn_implementation="eager")
    fp32, int8 = FOLDER / "fp32.onnx", FOLDER / "int8.onnx"
    export_onnx(model.eval(), fp32)
    model.save_pretrained(FOLDER / "checkpoint")
    build_rounded_int8(FOLDER / "checkpoint", rows[-CALIBRATION_TEXTS:], 0, int8)
    found = {"onnxruntime-fp32": (fp32, FP32), "openvino-int8": (int8, openvino_int8())}
    return found | ({"openvino-bf16": (fp32, OPENVINO_BF16)} if has_bf16() else {})


def _shapes(lengths: NDArray[np.int64]) -> dict[str, Any]:
    generator, seen = np.random.default_rng(0), {way: set[tuple[int, int]]() for way in WAYS}
    counts: dict[str, list[int]] = {way: [] for way in WAYS}
    filled = 0
    for shard in range(1, 2 ** (DOUBLINGS - 1) + 1):
        drawn = generator.choice(lengths, len(lengths))
        for batch in plan_batches(drawn, BATCH_TOKENS):
            rows, tokens = len(batch), int(drawn[batch[0]])
            size = filled_size(rows, tokens, BATCH_TOKENS)
            seen["exact"].add((rows, tokens))
            seen["filled"].add((size, tokens))
            filled += size - rows if shard == 1 else 0
        if not shard & (shard - 1):
            for way in WAYS:
                counts[way].append(len(seen[way]))
    return {"shapes_of_shards": counts, "filled_rows": filled / len(lengths)}


def _compare(graph: Path, variant: Variant, rows: Rows) -> dict[str, Any]:
    """Return the figures of one engine."""
    engine = Engine(open_runtime(graph, variant))
    batches = [[rows[row] for row in batch] for batch in plan_batches(_lengths(rows), BATCH_TOKENS)]
    full = [batch for batch in batches if (len(batch) + 1) * len(batch[0]) > BATCH_TOKENS]
    last = [batch for batch in batches if (len(batch) + 1) * len(batch[0]) <= BATCH_TOKENS]
    ways: dict[str, Callable[[Rows], Any]] = {"exact": lambda batch: engine.run(*stack_rows(batch))}
    ways["filled"] = engine.logits
    same = all(np.array_equal(ways["exact"](batch), ways["filled"](batch)) for batch in last)
    in_full = FULL_STRIDE * _seconds(engine.logits, full[::FULL_STRIDE])
    turns = [{way: _seconds(ways[way], last) for way in WAYS[:: 1 if n % 2 else -1]} for n in range(ROUNDS)]
    ratios = [(in_full + turn["exact"]) / (in_full + turn["filled"]) for turn in turns]
    return {
        "same_bits": same,
        "speed_over_exact": float(np.median(ratios)),
        "rounds": ratios,
        "full_batches": len(full),
        "last_batches": len(last),
        "last_batches_share_exact": float(np.median([t["exact"] / (in_full + t["exact"]) for t in turns])),
        "new_shape_ms": _new_shape_ms(engine, last),
    }


def _seconds(score: Callable[[Rows], Any], batches: list[Rows]) -> float:
    started = time.process_time()
    for batch in batches:
        score(batch)
    return time.process_time() - started


def _new_shape_ms(engine: Engine, batches: list[Rows]) -> float:
    found = []
    for batch in batches:
        first, second = (_seconds(lambda each: engine.run(*stack_rows(each)), [batch]) for _ in range(2))
        found.append(1_000 * (first - second))
    return float(np.median(found))


def _tiny() -> dict[str, Variant]:
    return {"onnxruntime-fp32": FP32} | ({"openvino-bf16": OPENVINO_BF16} if has_bf16() else {})


def _memory(way: str, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else "tests.benchmarks.shapes", way, kind]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def grow(way: str, kind: str) -> None:
    """Run batches of a tiny model and print this process's memory as it grows."""
    graph = FOLDER / f"tiny-{way}-{kind}.onnx"
    _write_tiny(graph)
    run, lengths = open_runtime(graph, _tiny()[kind]), np.load(FOLDER / "lengths.npy")
    generator, seen, curve, done = np.random.default_rng(0), set(), [], 0
    while done < BATCHES:
        drawn = generator.choice(lengths, DRAWN_ROWS)
        for batch in plan_batches(drawn, DRAWN_TOKENS)[: BATCHES - done]:
            rows, tokens = len(batch), int(drawn[batch[0]])
            size = filled_size(rows, tokens, DRAWN_TOKENS) if way == "filled" else rows
            run(*stack_rows([[1] * tokens] * size))
            seen.add((size, tokens))
            done += 1
            if done in MARKS:
                curve.append({"batches": done, "mebibytes": round(_status("VmRSS:")), "shapes": len(seen)})
    said = {"way": way, "variant": kind, "peak_mebibytes": round(_status("VmHWM:")), "curve": curve}
    sys.stdout.write(json.dumps(said) + "\n")


def _write_tiny(path: Path) -> None:
    sizes: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 64, "attn_implementation": "eager"}
    export_onnx(BertForSequenceClassification(BertConfig(**sizes)).eval(), path)


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    grow(*sys.argv[1:]) if len(sys.argv) > 1 else main()
