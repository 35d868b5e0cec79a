"""Engines of two fine-tuned models, against the ways texts were scored before and against the core's ceiling.

Run with `make bench NAME=engines`. Writes .winnow/bench/engines.json. Everything is measured in one run on one thread,
in turns, as CPU time of this process; a ratio is the median over the rounds of the two rates of one round. All ways
score the same texts: whole batches of a shard of 50,000 preprocessed real texts.

winner_over_old_way         the served variant over ONNX Runtime's dynamic int8 at one text a call. Both are given token
winner_over_old_way_fp32    ids: the old system's tokenising, a text at a time in each call, is not held against it.
winner_over_pipeline        both from texts to scores: tokenising and the engine, over transformers' text-classification
                            pipeline in PyTorch fp32, 32 texts a batch in the order in which they came.
int8_over_old_way           the fastest int8 variant that passes the gate over the old way's int8; null when none does.
share_of_ceiling            operations of all matrix products of the texts at their own lengths, a second, over the rate
                            of matrix products in the variant's main number format. Products that an int8 variant
                            leaves in another format count as if they were int8.
convert_core_minutes        CPU time of the conversion with the settings that a round has by itself, packing excepted.
verdict_stability           share of 20 draws of other texts that give a judged variant the commoner verdict: the
                            least of all variants, each of which stands under `redraws`; there also how many had the
                            other verdict and were not called near the limit.
verdict_stability_overlap   the same by the former gate.
displacement_100, regret_100  of each variant, under `variants`.
The engines put texts of one length together, as inference does; the old ways take them as they came. The first round
warms up and does not count. Variants' own texts_per_second_per_core come from the conversion, those under `turns` from
this benchmark.
"""

import os
from pathlib import Path
from typing import Any

import torch

from tasks.core.base.files import read_json, write_json
from tasks.core.engines.loading import Engine, open_tokenizer
from tasks.core.engines.runtimes import open_runtime
from tasks.core.engines.variants import CPU_PROVIDER, FP32
from tasks.core.preprocessing import preprocess
from tasks.core.round.conversion_section import APART_SHARE, Conversion
from tests.benchmarks.base_models import MINILM, MPNET, fetch_mpnet
from tests.benchmarks.ceiling import ceiling_ways, flops_of_pass
from tests.benchmarks.engine_figures import FROM_TEXTS, OLD_FP32, OLD_INT8, PIPELINE, TOKENISING, Turns, figures
from tests.benchmarks.measured import Measured, measure_variants
from tests.benchmarks.old_way import one_text_a_call, open_old_fp32, open_old_int8, open_pipeline
from tests.benchmarks.real_texts import TimedTexts, choose_timed, draw_texts, tokenizer_file
from tests.benchmarks.report import write_report
from tests.benchmarks.stability import verdicts_of
from tests.benchmarks.trained import FOLDER, MAX_LENGTH_TOKENS, PREPROCESSING, Recipe, Trained, train
from tests.benchmarks.turns import Way, rate_of, take_turns

RECIPES = (
    Recipe("minilm", MINILM, 6_000, learning_rate=1e-4, timed_texts=1_000, pool_texts=40_000),
    Recipe("bert_base", MPNET, 3_000, learning_rate=3e-5, timed_texts=300, pool_texts=20_000),
)
ROUNDS = 3
SCORED_TEXTS = Conversion().scored_texts


def main() -> None:
    """Train on all cores, measure on one, and write the report."""
    fetch_mpnet()
    trained = {recipe: train(recipe) for recipe in RECIPES}
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(1)
    report: dict[str, Any] = {}
    for recipe, model in trained.items():
        report[recipe.name] = measure(recipe, model)
        write_json(FOLDER / recipe.name / "figures.json", report[recipe.name])
    write_report("engines", report)


def measure(recipe: Recipe, trained: Trained) -> dict[str, Any]:
    """Convert a checkpoint, then time what came of it beside the old ways and the ceilings."""
    folder = (FOLDER / recipe.name / "variants").resolve()
    folder.mkdir(exist_ok=True)
    shard = draw_texts(trained.splits.path)
    measured = measure_variants(trained, shard[:SCORED_TEXTS], folder)
    tokenizer = open_tokenizer(tokenizer_file(trained.checkpoint), MAX_LENGTH_TOKENS)
    timed = choose_timed(shard, tokenizer, recipe.timed_texts)
    config = read_json(trained.checkpoint / "config.json")
    ceilings = ceiling_ways(config["hidden_size"], config["intermediate_size"])
    ways = _engines(measured, timed) | _from_texts(measured, trained, timed) | _old_ways(measured, timed, folder)
    rates = take_turns(ways | ceilings, ROUNDS)
    flops = flops_of_pass(config, timed.lengths) / len(timed.rows)
    model = {
        "base_model": recipe.base_model.name,
        "test_average_precision": trained.test_average_precision,
        "timed_texts": len(timed.rows),
        "mean_tokens": float(timed.lengths.mean()),
        "rounds": ROUNDS,
    }
    pool = [encoding.ids for encoding in tokenizer.encode_batch(preprocess(PREPROCESSING, shard[: recipe.pool_texts]))]
    judged = round((1 - APART_SHARE) * SCORED_TEXTS)
    return model | figures(Turns(measured, rates, flops)) | verdicts_of(measured, pool, judged)


def _engines(measured: Measured, timed: TimedTexts) -> dict[str, Way]:
    """Return a way for each built variant that runs on the CPU: token ids to logits."""
    return {
        name: _texts(timed, Engine(open_runtime(graph, variant)).logits, timed.rows)
        for name, (graph, variant) in measured.files.items()
        if variant.provider == CPU_PROVIDER
    }


def _from_texts(measured: Measured, trained: Trained, timed: TimedTexts) -> dict[str, Way]:
    """Return the ways that start from texts: tokenising alone, with the winner, and transformers' pipeline."""
    engine = Engine(open_runtime(*measured.files[measured.report["serves"]]))
    tokenizer = open_tokenizer(tokenizer_file(trained.checkpoint), MAX_LENGTH_TOKENS)

    def score(texts: list[str]) -> None:
        engine.logits([encoding.ids for encoding in tokenizer.encode_batch(texts)])

    return {
        TOKENISING: _texts(timed, tokenizer.encode_batch, timed.texts),
        FROM_TEXTS: _texts(timed, score, timed.texts),
        PIPELINE: _texts(timed, open_pipeline(trained.checkpoint, MAX_LENGTH_TOKENS), timed.texts),
    }


def _old_ways(measured: Measured, timed: TimedTexts, folder: Path) -> dict[str, Way]:
    """Return the ways of one text a call: token ids to logits."""
    fp32, _ = measured.files[FP32.name]
    runs = {OLD_INT8: open_old_int8(fp32, folder), OLD_FP32: open_old_fp32(fp32)}
    return {name: _texts(timed, one_text_a_call, run, timed.rows) for name, run in runs.items()}


def _texts(timed: TimedTexts, score: Any, *arguments: Any) -> Way:
    """Return the way that scores the timed texts once, counted in texts."""
    return rate_of(lambda: score(*arguments), len(timed.rows))


if __name__ == "__main__":
    main()
