"""An arm of the simulated loop: one method, round after round, from a repetition's start.

<folder>/<method>/rounds/us-iter<N>...yaml   round files, each but the first written by `winnow next`'s own code
<folder>/<method>/figures/<N>.json           what is said of round N; an arm that was stopped goes on behind these
<folder>/<method>/work, runs                 batches, answers and snapshots; runs of the pool
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.core.base.files import read_json, write_json, write_text
from tasks.core.base.naming.round_names import round_name
from tasks.core.round.round_file import read_round
from tasks.core.round.sampling_section import METHODS
from tests.benchmarks.loop_base import teach_base
from tests.benchmarks.loop_data import LoopData, prepare_data
from tests.benchmarks.loop_figures import figures_of
from tests.benchmarks.loop_labels import advance
from tests.benchmarks.loop_model import PARTS, UNSEEN, train_model
from tests.benchmarks.loop_texts import LABELS

COUNTRY = "US"
RANDOM = "random"
ARMS = (*METHODS.values(), RANDOM)
A_LABEL = 50
"""Every method asks for so many labels of each label a round, half of what Winnow's defaults say; and the baseline for
as many: of the same texts."""
MOTIF_TEXTS = 2
MOTIFS = 5
"""Exploit-explore takes so many texts of each motif, of so many motifs a length, and the others from the best."""
TRAINING = {
    "head": "multi_label",
    "epochs": 10,
    "batch_size": 8,
    "learning_rate": 2.0e-4,
    "max_length_tokens": 32,
    "freeze_embeddings": True,
    "metric": "average_precision",
}
TOP = 500
"""The best 10,000 of 100 million are no help in a pool of thousands; exploit and its motifs take so many here."""
STRATA = (20, 100, 500, 2_000)
"""Stratified draws from these and from the rest of the pool: a fifth of its texts from each."""


@dataclass(frozen=True)
class Arm:
    """One method in one repetition."""

    folder: Path
    """The repetition's folder."""
    repetition: int
    method: str
    pool: int
    layers: int

    @property
    def home(self) -> Path:
        """The arm's own folder."""
        return self.folder / self.method

    def round_file(self, number: int) -> Path:
        """Return where the file of a round lies, or will lie."""
        return self.home / "rounds" / f"{round_name(COUNTRY, f'iter{number}', self._number)}.yaml"

    def figures_file(self, number: int) -> Path:
        """Return where the figures of a round lie, or will lie."""
        return self.home / "figures" / f"{number}.json"

    @property
    def _number(self) -> int:
        """A round's `method`; random has none, and is named by the sampling section."""
        numbers: dict[str, int] = {name: number for number, name in METHODS.items()}
        return numbers.get(self.method, 0)

    def first_round(self, data: LoopData, base: Path) -> dict[str, Any]:
        """Return what the first round's file says."""
        strata = [*(end for end in STRATA if end < self.pool), self.pool]
        return {
            "country": COUNTRY,
            "iteration": "iter0",
            "method": self._number,
            "labels": {label: label for label in LABELS},
            "labelled_data": {"path": str(data.start), "split_column": "split"},
            "base_model": str(base),
            "training": {"seeds": [self.repetition], **TRAINING},
            "samples": {"evaluation": {"path": str(data.pool)}},
            "inference": {"output_path": str(self.home / "runs")},
            "sampling": {
                "method": self.method,
                "random_texts": A_LABEL if self.method == RANDOM else 0,
                "random_state": self.repetition,
                "language": "en",
                "top": min(TOP, self.pool),
                "strata": strata,
                "stratum_texts": A_LABEL // len(strata),
                "exploit_texts": A_LABEL - 2 * MOTIFS * MOTIF_TEXTS,
                "explore": {"motifs": MOTIFS, "texts": MOTIF_TEXTS},
                "adaptive_texts": A_LABEL,
                "uncertain_texts": A_LABEL // 2,
            },
            "work_path": str(self.home / "work"),
        }


def run_arm(arm: Arm, rounds: int) -> list[dict[str, Any]]:
    """Go so many rounds from the start, and return the figures of the start and of each round."""
    data = prepare_data(arm.folder, arm.pool, arm.repetition)
    base = teach_base(data, arm.layers)
    if not arm.round_file(0).exists():
        write_text(arm.round_file(0), yaml.safe_dump(arm.first_round(data, base), sort_keys=False))
    for number in range(rounds + 1):
        if not arm.figures_file(number).exists():
            _go(arm, number, data)
    return [read_json(arm.figures_file(number)) for number in range(rounds + 1)]


def _go(arm: Arm, number: int, data: LoopData) -> None:
    """Buy the labels that a round begins with, train its model, and say what it is worth."""
    started = time.process_time()
    if not arm.round_file(number).exists():
        former = read_round(arm.round_file(number - 1))
        advance(arm.round_file(number - 1), former, train_model(former, data, PARTS), data)
    round_ = read_round(arm.round_file(number))
    drawn = time.process_time()
    model = train_model(round_, data, (UNSEEN,) if number else PARTS)  # arms that share a start share its scores
    trained = time.process_time()
    found = figures_of(round_, model, data.unseen_texts())
    seconds = {"labels": drawn - started, "model": trained - drawn, "figures": time.process_time() - trained}
    write_json(arm.figures_file(number), found | {"round": number, "seconds": seconds})
