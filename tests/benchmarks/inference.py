"""Scoring of real tweets, as a run does it, against the ways it was done before.

Run with `make bench NAME=inference`. Writes .winnow/bench/inference.json. The models are those of the engines'
benchmark (trained here when that was not run), converted with OpenVINO's bf16 where this CPU has it, else fp32.

minilm_5_labels_over_*      rows a second of score_shard for five labels, reading, tokenising, writing and all, on one
bert_base_5_labels_over_*   thread, over the same rows scored the old way: each text by itself, tokenised again for each
                            label, ONNX Runtime's dynamic int8 or fp32; over the pipeline: transformers' own in PyTorch
                            fp32, 32 texts a batch. In turns, CPU time, the median of the rounds' ratios.
overhead_share              what a shard of five labels takes outside the engines, as a share of the time inside.
duplicates_cost_ratio       CPU time of a shard of which 30 % of the rows repeat others, over one without repeats.
memory_growth               peak memory of a process that scores 8 shards over one that scores 1; `growth` has all.
two_workers_speedup         wall time of scoring with one worker process over that with two.
orchestration_2000_shards_seconds   wall time of the inference flow on 2,000 shards beyond its workers' own time.
resume_2000_shards_seconds  the same flow again, with nothing left to do.
"""

import os
from functools import partial
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.base_models import fetch_mpnet
from tests.benchmarks.engines import RECIPES
from tests.benchmarks.five_labels import FiveLabels, make_five_labels
from tests.benchmarks.growth import duplicates_cost_ratio, growth, two_workers_speedup
from tests.benchmarks.old_way import one_text_a_call_from_texts, open_old_fp32, open_old_int8, open_pipeline
from tests.benchmarks.orchestration import orchestration
from tests.benchmarks.report import write_report
from tests.benchmarks.trained import MAX_LENGTH_TOKENS, Trained, train
from tests.benchmarks.turns import paired_ratio, rate_of, take_turns

ROUNDS = 3
FOLDER = Path(".winnow/bench/inference")
ROWS = {"minilm": 2_000, "bert_base": 400}
"""Of the shard that score_shard is timed on."""
OLD_ROWS = {"minilm": 150, "bert_base": 30}
"""Of them, those that the old ways score: a text of theirs costs the same whatever comes after it."""


def main() -> None:
    """Train on all cores, measure on one, and write the report."""
    fetch_mpnet()
    trained = {recipe.name: train(recipe) for recipe in RECIPES}
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(1)
    report: dict[str, Any] = {}
    for name, model in trained.items():
        report |= _over_old_ways(name, model, make_five_labels(model, FOLDER / name))
    minilm = make_five_labels(trained["minilm"], FOLDER / "minilm")
    report["duplicates_cost_ratio"] = duplicates_cost_ratio(minilm, FOLDER)
    report |= growth(minilm, FOLDER) | two_workers_speedup(minilm, FOLDER)
    write_report("inference", report | orchestration(FOLDER))


def _over_old_ways(name: str, trained: Trained, labels: FiveLabels) -> dict[str, Any]:
    """Return the ratios of one model."""
    run = labels.run(FOLDER / name / "shard", ROWS[name])
    texts = run.texts[: OLD_ROWS[name]]
    tokenizer, fp32 = labels.tokenizer, labels.fp32
    pipeline = open_pipeline(trained.checkpoint, MAX_LENGTH_TOKENS)
    olds = {"old_way": open_old_int8(fp32, FOLDER / name), "old_way_fp32": open_old_fp32(fp32)}
    ways = {
        old: rate_of(partial(one_text_a_call_from_texts, engine, tokenizer, texts), len(texts) / 5)
        for old, engine in olds.items()
    }
    ways |= {"pipeline": rate_of(lambda: pipeline(texts), len(texts) / 5), "winnow": rate_of(run.score, ROWS[name])}
    rates = take_turns(ways, ROUNDS)
    ratios = {f"{name}_5_labels_over_{old}": paired_ratio(rates["winnow"], rates[old]) for old in (*olds, "pipeline")}
    receipt = run.receipt()
    share = (receipt.seconds - receipt.engine_seconds) / receipt.engine_seconds
    key = "overhead_share" if name == "minilm" else f"{name}_overhead_share"
    return ratios | {key: share, f"{name}_variant": labels.variant, f"{name}_rows_a_second_by_round": rates}


if __name__ == "__main__":
    main()
