"""Scoring of real tweets for five labels with screening, against every text to every expert and the ways before.

Run with `make bench NAME=screening`: half an hour on two cores, and an hour more for a student a label. Writes
.winnow/bench/screening.json. The experts are MiniLM, taught five labels of real sets and converted through the strict
gate, to bf16 where the CPU has it. The pool is tweets that none of them was taught or tested on. It is drawn from,
fitted, certified and scored as the inference flow does it, from Parquet to Parquet; its first `full_rows` rows are
scored in full beside, to see what was missed. Options (`python -m tests.benchmarks.screening --help`) make it smaller.
Models and runs are kept, and a stopped run goes on.

All costs are CPU time of the processes that do the work; opening models is left out. A shard's CPU time is parted into
engines and the rest as its clock was. Engines are **scaled to BERT-base**: times what all-mpnet-base-v2 (12 layers of
768), untaught, takes over MiniLM in the same variant, on the same texts, in turns. Keys that begin with `minilm_` are
not scaled.

texts_per_core_second_5_labels   of a pool of 100 million: 100 million / (3,600 core_hours_100m)
core_hours_100m     stages of the run, each by what it took a text, and draws as `plan_sizes` plans them for 100 million
                    and this promise. What passes is told from this pool's calibration draw, by a threshold that loses
                    as large a share of its top texts as the larger draw's bound would: `pass_share_100m`. By the
                    thresholds that were certified here, with a small draw, it is `with_pass_shares_of_this_pool`.
shipped_pool        the same for the pool as it is, of which the draws are a large part; nothing of it is scaled to 100
                    million.
over_old_way_int8, _fp32   core-seconds of the old way (each text by itself, tokenised again for each label, in ONNX
                    Runtime) over those of 100 million texts.
recall_top_half_percent   share of the best .5 % by the expert, among rows outside the draws, that the first stage lets
                    pass: the median label. `labels` has each, and the top .1 and 1 %; `recall` the other ways.
pass_share_stage_1  share of the calibration draw that passes where 99 % of its top texts do, without a bound: median
                    label
pass_share_certified      share of undrawn rows that the certified threshold lets pass: median label
stage_1_texts_per_core_second   a shard read and checked, hashed, scored for all labels, and compared with the draws
milliseconds_a_text   of 100 million: what each stage takes, of a text of the pool
recall              share of an expert's best .1, .5 and 1 % that are among a way's own best, as many. fp32 is faithful
                    by definition; the old int8 and the gate's engine are compared with it on `compared_texts` texts of
                    the first label. With the first stage it is what passes of the served engine's best.
"""

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.core.engines.loading import open_tokenizer
from tasks.core.engines.model_folder import EngineModel
from tasks.core.inference.asked_screening import promise_of
from tasks.core.screening.draw_sizes import DrawSizes, plan_sizes
from tasks.core.screening.draws import CALIBRATE, FIT
from tasks.core.screening.recall_bound import misses_allowed
from tests.benchmarks.base_models import fetch_mpnet
from tests.benchmarks.experts import SETS, convert_experts, expert_recipes
from tests.benchmarks.model_rates import BASE, EXPERT, OLD_FP32, OLD_INT8, ModelRates, measure_models
from tests.benchmarks.old_way import open_old_fp32, open_old_int8
from tests.benchmarks.report import write_report
from tests.benchmarks.screened_measures import Screened, receipts_of
from tests.benchmarks.screened_pool import Asked, PoolRun, run_in_full, run_screened, write_pool
from tests.benchmarks.screening_costs import Spent, StudentCosts, UnitCosts, add_up, stage_seconds
from tests.benchmarks.screening_student import student_stage, teach_student, teach_students
from tests.benchmarks.trained import Trained, real_data, train
from tests.benchmarks.unscreened_ways import recall_of_ways, seconds_a_text

FOLDER = Path(".winnow/bench/screening").resolve()
HUNDRED_MILLION = 100_000_000
SCREENED = "with_stage_1"
HALF_PERCENT = "0.5%"
SHARES = ("pass_share_stage_1", "pass_share_certified", "pass_share_100m")


def main() -> None:
    """Teach on all cores, convert, score the pool a process a core, measure on one, and write the report."""
    asked = _asked()
    if any(real_data(each.file) is None for each in SETS):
        raise SystemExit("five labels need the real sets: set WINNOW_TEST_DATA to their folder; see tests/README.md")
    fetch_mpnet()
    experts = [train(recipe) for recipe in expert_recipes()]
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    torch.set_num_threads(1)
    engines = convert_experts(experts, FOLDER)
    sample = write_pool(FOLDER, asked.rows, [expert.splits.path for expert in experts])
    screened = Screened(run_screened(sample, engines, asked, FOLDER / "runs"))
    full = run_in_full(sample, engines, asked, FOLDER / "runs")
    first = next(iter(engines.values()))
    tokenizer = open_tokenizer(str(first.tokenizer_path), first.max_length_tokens)
    rates = measure_models(_fp32(first), tokenizer, first.variant, FOLDER)
    figures = _figures(asked, screened, full, rates)
    figures |= _recall(full, first, figures["labels"]) | _said(experts, engines)
    write_report("screening", figures)
    for name, teach in {"with_student": teach_student, "with_a_student_a_label": teach_students}.items():
        students = teach(experts, screened.drawn_rows(FIT), FOLDER / name.removeprefix("with_"))
        figures[name] = _with_students(screened, students, rates, UnitCosts(**figures["unit_costs"]))
        write_report("screening", figures)


def _with_students(
    screened: Screened, students: Mapping[str, EngineModel], rates: ModelRates, costs: UnitCosts
) -> dict[str, Any]:
    """Return the headline with a second stage; its students are as small for experts of BERT-base's size."""
    promise, sizes = promise_of(screened.run.plan), _sizes(screened)
    fit, calibrate = screened.drawn_rows(FIT), screened.drawn_rows(CALIBRATE)
    stage = student_stage(students, FOLDER / BASE / "fp32.onnx", calibrate)
    certificates = stage.certified(fit, promise)
    lost = (misses_allowed(round(promise.top_share * sizes.calibrate), promise) or 0) / (
        promise.top_share * sizes.calibrate
    )
    found: dict[str, Any] = {}
    for name, reached_passed in {"pass_share_certified": None, "pass_share_100m": lost}.items():
        reached, passed = stage.passing(certificates, reached_passed)
        student = StudentCosts(stage.share_read(reached), stage.seconds_a_text)
        job = stage_seconds(costs, passed, HUNDRED_MILLION, sizes, rates.over_served(BASE, rates.served), student)
        found[name] = {
            "median": _median(passed.labels),
            "labels": dict(zip(stage.labels, passed.labels, strict=True)),
            "reaches_student": reached.labels,
            "share_read": stage.share_read(reached),
            "milliseconds_a_text": _milliseconds(job, HUNDRED_MILLION),
            "texts_per_core_second_5_labels": HUNDRED_MILLION / sum(job.values()),
            "core_hours_100m": sum(job.values()) / 3_600,
        }
    return found | {
        "student_texts_per_core_second": 1 / stage.seconds_a_text,
        "student_over_expert_weights": stage.over_expert,
        "top_texts_calibrate": {label: one.top_texts_calibrate for label, one in certificates.items()},
        "misses_allowed": {label: one.misses_allowed for label, one in certificates.items()},
        "off": {label: one.off for label, one in certificates.items()},
        "variant": next(iter(students.values())).variant.name,
    }


def _figures(asked: Asked, screened: Screened, full: PoolRun, rates: ModelRates) -> dict[str, Any]:
    promise, sizes = promise_of(screened.run.plan), _sizes(screened)
    top_texts = round(promise.top_share * sizes.calibrate)
    bounded = screened.passing_but((misses_allowed(top_texts, promise) or 0) / top_texts)
    labels = screened.label_figures(full, screened.passing_but(1 - promise.recall), bounded)
    costs = screened.unit_costs(FOLDER / "again")
    scales = {model: rates.over_served(model, rates.served) for model in (BASE, EXPERT)}
    spent = add_up(receipts_of(full))
    jobs = {model: stage_seconds(costs, bounded, HUNDRED_MILLION, sizes, slower) for model, slower in scales.items()}
    as_here = stage_seconds(costs, screened.passing, HUNDRED_MILLION, sizes, scales[BASE])
    unscreened = {model: seconds_a_text(spent, rates, model, len(labels)) for model in scales}
    return {
        **_headline(jobs[BASE], unscreened[BASE]),
        **{f"minilm_{key}": value for key, value in _headline(jobs[EXPERT], unscreened[EXPERT]).items()},
        "with_pass_shares_of_this_pool": _headline(as_here, unscreened[BASE]),
        "recall_top_half_percent": _median(each["recall"][HALF_PERCENT] for each in labels.values()),
        **{share: _median(each[share] for each in labels.values()) for share in SHARES},
        "stage_1_texts_per_core_second": 1 / costs.stage_1,
        "scaled_by": scales[BASE],
        "milliseconds_a_text": {model: _milliseconds(job, HUNDRED_MILLION) for model, job in jobs.items()},
        "core_seconds_a_million_texts": {
            model: {way: 1e6 * seconds for way, seconds in found.items()}
            | {SCREENED: 1e6 * sum(jobs[model].values()) / HUNDRED_MILLION}
            for model, found in unscreened.items()
        },
        "shipped_pool": _shipped(screened, costs, scales),
        "asked": vars(asked) | vars(promise),
        "draws_100m": vars(sizes) | {"top_texts": top_texts},
        "verdict": screened.run.manifest["screening"]["verdict"],
        "union_passes": screened.passing.union,
        "labels": labels,
        "unit_costs": vars(costs),
        "texts_a_second_and_label": rates.rates,
    }


def _sizes(screened: Screened) -> DrawSizes:
    """Return the draws that a pool of 100 million would have."""
    return plan_sizes(HUNDRED_MILLION, promise_of(screened.run.plan))


def _headline(job: dict[str, float], unscreened: dict[str, float]) -> dict[str, float]:
    seconds = sum(job.values()) / HUNDRED_MILLION
    return {
        "texts_per_core_second_5_labels": 1 / seconds,
        "over_old_way_fp32": unscreened[OLD_FP32] / seconds,
        "over_old_way_int8": unscreened[OLD_INT8] / seconds,
        "core_hours_100m": sum(job.values()) / 3_600,
    }


def _shipped(screened: Screened, costs: UnitCosts, scales: dict[str, float]) -> dict[str, Any]:
    """Return the run as it was: by the stages' sums and, unscaled, by its receipts, which lack drawing and fitting."""
    rows, sizes = screened.run.plan.rows, screened.sizes
    jobs = {model: stage_seconds(costs, screened.passing, rows, sizes, slower) for model, slower in scales.items()}
    draws = PoolRun(screened.draws.plan, screened.draws.folder, {})
    receipts: list[Spent] = [add_up(receipts_of(run)) for run in (draws, screened.run)]
    return {
        "rows": rows,
        "draws": vars(sizes),
        "texts_per_core_second_5_labels": {model: rows / sum(job.values()) for model, job in jobs.items()},
        "milliseconds_a_text": {model: _milliseconds(job, rows) for model, job in jobs.items()},
        "minilm_core_seconds": sum(jobs[EXPERT].values()),
        "minilm_core_seconds_by_receipts": sum(spent.engines + spent.around for spent in receipts),
    }


def _milliseconds(job: dict[str, float], rows: int) -> dict[str, float]:
    return {stage: 1_000 * seconds / rows for stage, seconds in job.items()}


def _recall(full: PoolRun, first: EngineModel, labels: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what each way keeps of the first label's top and, with the first stage, of the median label's."""
    old_int8 = open_old_int8(_fp32(first), FOLDER)
    found = recall_of_ways(full, first, open_old_fp32(_fp32(first)), old_int8)
    by_label = [each["recall"] for each in labels.values()]
    found["recall"][SCREENED] = {top: _median(each[top] for each in by_label) for top in by_label[0]}
    return found


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))


def _said(experts: list[Trained], engines: dict[str, EngineModel]) -> dict[str, Any]:
    return {
        "test_average_precision": {each.splits.labels[0]: each.test_average_precision for each in experts},
        "variants": {label: engine.variant.name for label, engine in engines.items()},
    }


def _fp32(engine: EngineModel) -> Path:
    return Path(engine.folder) / engine.in_fp32().graph


def _asked() -> Asked:
    parser = argparse.ArgumentParser(description="Screening of real tweets for five labels.")
    parser.add_argument("--rows", type=int, default=600_000, help="of the pool, at most")
    parser.add_argument("--full-rows", type=int, default=100_000, help="of the pool, scored in full beside")
    parser.add_argument("--top-share", type=float, default=0.005, help="of the pool, that is screened for")
    parser.add_argument("--fit-texts", type=int, default=110_000)
    parser.add_argument("--calibrate-texts", type=int, default=150_000)
    parser.add_argument("--audit-texts", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    return Asked(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
