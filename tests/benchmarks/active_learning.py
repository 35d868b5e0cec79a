"""The loop, simulated on real texts with known answers: which method of sampling is worth its labels.

Run with `make bench NAME=active_learning`; stopped, it goes on. Writes .winnow/bench/active_learning.json, a table
(.md) and a picture (.png, .svg) beside it. Labels are four rare ones of GoEmotions: grief, relief, pride and remorse.
The base model, MiniLM cut to a few layers, is taught the set's other labels on texts that are used for nothing else;
each repetition parts the rest anew into a small start, a pool and unseen texts. Every method asks for 50 labels of
each label a round, from the same start; uncertainty buys fewer where a side of its threshold has fewer, exploit-explore
where motifs are few.

All steps are Winnow's own: splits, training, a run of the pool, the draw and its batch, an exported CSV that the true
labels answer, its import, the snapshot, and the next round's file. Two are quicker: the pool is scored by the
checkpoint in place of an engine model, and calibration takes the validation split in place of a labelled rank sample.

rounds              a line for each method and round: of what ranks the mean over the labels, of what was found and
                    bought the sum; over the repetitions the mean, and as `_range` the least and the most
precision_at_20, precision_at_50, average_precision    on unseen texts: `unseen_positives` bounds the precisions
expansion, expansion_true    unseen texts above the calibrated threshold, and how many of them are true; labels that
                    cannot be calibrated count in neither
positives_found     true labels among those bought; `texts_bought` counts a text that several labels want once
above_random        the last round's means over the labels minus random's of the same repetition, and in how many labels
                    and repetitions the average precision is above random's
seconds_a_round     of CPU time: pool scored, labels drawn and answered; model trained, unseen texts scored; figures
arms                every repetition's figures, label by label, with thresholds
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.base.files import fingerprint, write_text
from tests.benchmarks.loop_arm import A_LABEL, ARMS, MOTIF_TEXTS, MOTIFS, RANDOM, STRATA, TOP, TRAINING, Arm, run_arm
from tests.benchmarks.loop_base import TEACHING
from tests.benchmarks.loop_data import OTHER_TEXTS, PARTS, TRUE_AMONG, LoopData
from tests.benchmarks.loop_figures import markdown, over_random, rounds_of
from tests.benchmarks.loop_plot import draw_loop
from tests.benchmarks.loop_texts import LABELS, positives
from tests.benchmarks.report import write_report

BENCH = Path(".winnow/bench")
SMALL = {"pool": 1_000, "rounds": 1, "repetitions": 1}
Runs = dict[str, list[list[dict[str, Any]]]]


@dataclass(frozen=True)
class Asked:
    """How large the simulation is."""

    rounds: int
    repetitions: int
    methods: tuple[str, ...]
    pool: int
    layers: int
    workers: int

    @property
    def folder(self) -> Path:
        """What decides figures names the folder: more rounds, repetitions or methods go on in the same."""
        texts = [self.pool, LABELS, PARTS, OTHER_TEXTS, TRUE_AMONG]
        content = [*texts, self.layers, TEACHING, TRAINING, A_LABEL, MOTIFS, MOTIF_TEXTS, TOP, STRATA]
        return (BENCH / "active_learning" / fingerprint(content)).resolve()


def main() -> None:
    """Run all arms, a process a core, and write the report, the table and the picture."""
    name, asked = _asked()
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    started = time.monotonic()
    runs = run_arms(asked)
    lines, over = rounds_of(runs), over_random(runs, RANDOM)
    write_text(BENCH / f"{name}.md", markdown(lines, over))
    draw_loop(lines, [BENCH / f"{name}{suffix}" for suffix in (".png", ".svg")])
    write_report(
        name,
        {"above_random": over, "rounds": lines}
        | _figures(asked, runs)
        | {"this_call_seconds": round(time.monotonic() - started, 1)},
    )


def run_arms(asked: Asked) -> Runs:
    """Run first what arms share, and then the arms; return figures by method.

    All repetitions share a base model, which the first start teaches, and all arms of a repetition their start.
    """
    context = get_context("spawn")  # a forked PyTorch waits for threads that it does not have
    with ProcessPoolExecutor(asked.workers, mp_context=context) as pool:
        arms = [[_arm(asked, repetition, method) for repetition in _numbers(asked)] for method in asked.methods]
        pool.submit(run_arm, arms[0][0], 0).result()
        for start in [pool.submit(run_arm, arm, 0) for arm in arms[0]]:
            start.result()
        futures = [[pool.submit(run_arm, arm, asked.rounds) for arm in of_method] for of_method in arms]
        return {
            method: [future.result() for future in of_method]
            for method, of_method in zip(asked.methods, futures, strict=True)
        }


def _numbers(asked: Asked) -> range:
    return range(1, asked.repetitions + 1)


def _arm(asked: Asked, repetition: int, method: str) -> Arm:
    return Arm(asked.folder / f"repetition-{repetition}", repetition, method, asked.pool, asked.layers)


def _figures(asked: Asked, runs: Runs) -> dict[str, Any]:
    data = [LoopData(asked.folder / f"repetition-{number}") for number in _numbers(asked)]
    found = [one for repetitions in runs.values() for rounds in repetitions for one in rounds[1:]]
    spent = {part: _mean_seconds(part, found) for part in ("labels", "model", "figures")}
    return {
        "pool_texts": asked.pool,
        "unseen_texts": asked.pool // 2,
        "layers": asked.layers,
        "repetitions": asked.repetitions,
        "labels_a_round": A_LABEL * len(LABELS),
        "start": {split: dict(zip(("of_each_label", "of_none"), count, strict=True)) for split, count in PARTS.items()},
        "pool_positives": [positives(one.pool_texts()) for one in data],
        "unseen_positives": [positives(one.unseen_texts()) for one in data],
        "seconds_a_round": spent,
        "training": TRAINING,
        "arms": runs,
    }


def _mean_seconds(part: str, found: list[dict[str, Any]]) -> float | None:
    return round(float(np.mean([one["seconds"][part] for one in found])), 1) if found else None


def _asked() -> tuple[str, Asked]:
    parser = argparse.ArgumentParser(description="The active-learning loop, simulated on real texts.")
    parser.add_argument("--rounds", type=int, default=3, help="of labels bought, after the start")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--pool", type=int, default=5_000, help="texts; half as many others stay unseen")
    parser.add_argument("--layers", type=int, default=2, help="of MiniLM's six")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--small", action="store_true", help=f"{SMALL}, to see that everything works")
    given = vars(parser.parse_args())
    small = given.pop("small")
    given |= SMALL if small else {}
    return "active_learning_small" if small else "active_learning", Asked(**given | {"methods": (*given["methods"],)})


if __name__ == "__main__":
    main()
