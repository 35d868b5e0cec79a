"""What a finished screened run let pass and kept, and what its stages take."""

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.inference.asked_screening import planned_sizes
from tasks.core.inference.certified import CertifiedScreening, open_screening
from tasks.core.inference.certifying import certify_run
from tasks.core.inference.draws_run import DrawsRun
from tasks.core.inference.pool_draws import Generation, draw_shard
from tasks.core.inference.pool_texts import read_drawn
from tasks.core.inference.shard_rows import read_shard_rows
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import AUDITED, DRAWN, EXPERT, SCORE_COLUMN, STAGE_COLUMN, list_parts, read_part
from tasks.core.runs.shards.receipts import Receipt, read_receipts
from tasks.core.screening.draw_sizes import DrawSizes
from tasks.core.screening.draws import CALIBRATE, CHOOSE, FIT
from tests.benchmarks.kept_tops import TOPS, kept, passing_but, top_rows
from tests.benchmarks.screened_pool import PoolRun, open_all
from tests.benchmarks.screening_costs import Passing, UnitCosts, add_up, left_over
from tests.benchmarks.screening_student import DrawnRows
from tests.benchmarks.turns import rate_of, take_turns

ROUNDS = 3


def receipts_of(run: PoolRun) -> list[Receipt]:
    """Return the receipts of a finished run."""
    return [receipt for _, receipt in read_receipts(run.plan, run.folder) if receipt is not None]


def column(run: PoolRun, label: str, name: str) -> NDArray[Any]:
    """Return a column of a label's scores, in the order of the pool."""
    parts = [read_part(path, [name])[name] for path in list_parts(run.plan, run.folder, label)]
    return np.concatenate([part.to_numpy() for part in parts])


@dataclass(frozen=True)
class Screened:
    """A finished screened run."""

    run: PoolRun

    @property
    def labels(self) -> list[str]:
        """The labels."""
        return [use.label for use in self.run.plan.engines]

    @cached_property
    def screening(self) -> CertifiedScreening:
        """What a worker opens."""
        return open_screening(self.run.folder)

    @property
    def draws(self) -> DrawsRun:
        """The run of the draws."""
        if self.screening.run is None:
            raise AssertionError("the run was screened")
        return self.screening.run

    @property
    def sizes(self) -> DrawSizes:
        """How large the draws have become; of the audit's, how large it was planned."""
        drawn = self.screening.certificate.drawn
        return DrawSizes(drawn[FIT], drawn[CHOOSE], planned_sizes(self.run.plan).audit, drawn[CALIBRATE])

    @cached_property
    def stages(self) -> dict[str, NDArray[Any]]:
        """The stage of each row, by label."""
        return {label: column(self.run, label, STAGE_COLUMN) for label in self.labels}

    @cached_property
    def passing(self) -> Passing:
        """Which shares of the rows that were not drawn the first stage lets pass."""
        others = next(iter(self.stages.values())) != DRAWN
        return Passing.of([(stages == EXPERT)[others] for stages in self.stages.values()])

    def drawn_rows(self, draw: str) -> DrawnRows:
        """Return the rows of a draw."""
        if self.screening.screen is None:
            raise AssertionError("the run was screened")
        drawn = read_drawn(self.draws, len(self.run.plan.shards))
        chosen = drawn.of(draw)
        texts = drawn.as_fitted(chosen)
        experts = np.stack([drawn.scores[label][chosen] for label in self.labels], axis=1)
        return DrawnRows(texts.to_pylist(), experts, self.screening.screen.score(texts))

    @cached_property
    def calibrated(self) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
        """The calibration draw: the first stage's guesses, and which rows are of the top, a pair a label."""
        rows, said = self.drawn_rows(CALIBRATE), self.screening.certificate.labels
        top = [rows.experts[:, place] >= said[label].top_from for place, label in enumerate(self.labels)]
        return list(zip(rows.guesses.T, top, strict=True))

    def passing_but(self, lost: float) -> Passing:
        """Return what would pass by thresholds that lose such a share of the calibration draw's top texts."""
        return Passing.of([passing_but(lost, guesses, top) for guesses, top in self.calibrated])

    @property
    def asked_rows(self) -> int:
        """So many rows of the screened shards any expert was asked for."""
        asked = [np.isin(stages, (EXPERT, AUDITED)) for stages in self.stages.values()]
        return int(np.logical_or.reduce(asked).sum())

    def label_figures(self, full: PoolRun, at_best: Passing, bounded: Passing) -> dict[str, dict[str, Any]]:
        """Return by label what passes, and what of its expert's top does, where every row was scored beside."""
        found = {}
        for place, label in enumerate(self.labels):
            stages, said = self.stages[label][: full.plan.rows], self.screening.certificate.labels[label]
            others = stages != DRAWN
            expert = column(full, label, SCORE_COLUMN)[others]
            found[label] = {
                "recall": {f"{share:.1%}": kept(expert, (stages == EXPERT)[others], share) for share in TOPS},
                "top_texts": {f"{share:.1%}": len(top_rows(expert, share)) for share in TOPS},
                "pass_share_stage_1": at_best.labels[place],
                "pass_share_certified": self.passing.labels[place],
                "pass_share_100m": bounded.labels[place],
                "top_texts_calibrate": said.top_texts_calibrate,
                "misses_allowed": said.misses_allowed,
                "off": said.off,
                "audit": self.run.manifest["screening"]["labels"][label]["audit"],
            }
        return found

    def unit_costs(self, scratch: Path) -> UnitCosts:
        """Return what each stage takes: by the receipts, and of what has none, measured again."""
        plan, folder = self.run.plan, self.run.folder
        open_all(plan, folder)
        of_draws = add_up(receipts_of(PoolRun(self.draws.plan, self.draws.folder, {})))
        spent = add_up(receipts_of(self.run))
        rates = self._rates(scratch)
        stage_1, tokenising = 1 / rates["stage_1"], 1 / rates["tokenising"]
        return UnitCosts(
            drawing=1 / rates["drawing"],
            draw_around=of_draws.around / of_draws.rows,
            draw_engines=of_draws.engines / of_draws.rows,
            fitting=self._fitting_seconds(scratch) / self.sizes.fit,
            stage_1=stage_1,
            tokenising=tokenising,
            expert=spent.engines / spent.asked,
            writing=left_over(spent, stage_1, tokenising, self.asked_rows),
        )

    def _rates(self, scratch: Path) -> dict[str, float]:
        plan, folder = self.run.plan, self.run.folder
        shard = plan.shards[0]
        read = read_shard_rows(plan, shard, folder)
        generation = Generation(0, self.screening.draws)

        def draw() -> None:
            shutil.rmtree(scratch, ignore_errors=True)
            draw_shard(plan, shard, RunFolder(scratch), generation)

        ways = {
            "drawing": rate_of(draw, shard.rows),
            "stage_1": rate_of(lambda: read_shard_rows(plan, shard, folder), shard.rows),
            "tokenising": rate_of(lambda: read.tokenised(plan), int(read.asked.sum())),
        }
        return {name: float(np.median(rates)) for name, rates in take_turns(ways, ROUNDS).items()}

    def _fitting_seconds(self, scratch: Path) -> float:
        """Fit and certify once more, beside the run."""
        started = time.process_time()
        drawn = read_drawn(self.draws, len(self.run.plan.shards))
        certify_run(self.run.plan, RunFolder(scratch), self.draws, self.screening.draws, drawn)
        return time.process_time() - started
