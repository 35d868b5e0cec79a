"""What the stages of a screened run take, and what they would take of a pool of another size or with slower experts.

All of it is core-seconds. Nothing is measured here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.runs.parts import AUDITED, EXPERT
from tasks.core.runs.shards.receipts import Receipt
from tasks.core.screening.draw_sizes import DrawSizes


@dataclass(frozen=True)
class Spent:
    """What shards took, by their receipts."""

    rows: int
    asked: int
    """So many times an expert was asked for a text."""
    engines: float
    """The CPU time in the engines: the shards' own, in proportion as their clocks ran there."""
    around: float
    """All other CPU time."""


@dataclass(frozen=True)
class UnitCosts:
    """What a stage takes of one text."""

    drawing: float
    """Telling a row's draw, and writing it where there is one."""
    draw_around: float
    """Reading, tokenising and writing a drawn row, for all labels."""
    draw_engines: float
    """All experts, of a drawn row."""
    fitting: float
    """Fitting and certifying, for a row of the fitting draw."""
    stage_1: float
    """Reading a row, hashing its n-grams, and the scores of all labels."""
    tokenising: float
    """A row that any expert is asked for."""
    expert: float
    """One expert, of one row."""
    writing: float
    """What is left, of a row."""


@dataclass(frozen=True)
class Passing:
    """Which shares of the rows that no draw has pass the first stage."""

    labels: Sequence[float]
    """Each label's."""
    union: float
    """For any label."""

    @classmethod
    def of(cls, passed: Sequence[NDArray[np.bool_]]) -> "Passing":
        """Return the shares of rows, given by label which of them pass."""
        return cls([float(each.mean()) for each in passed], float(np.logical_or.reduce(passed).mean()))

    def asked(self, audited: float) -> tuple[float, float]:
        """Return how many experts a row is sent to, and which share goes to any, where such a share is audited."""
        return sum(_either(share, audited) for share in self.labels), _either(self.union, audited)


def add_up(receipts: Iterable[Receipt]) -> Spent:
    """Add up what shards took."""
    rows = asked = 0
    engines = around = 0.0
    for receipt in receipts:
        inside = receipt.cpu_seconds * receipt.engine_seconds / receipt.seconds
        rows, asked = rows + receipt.rows_in, asked + _asked(receipt)
        engines, around = engines + inside, around + receipt.cpu_seconds - inside
    return Spent(rows, asked, engines, around)


def left_over(spent: Spent, stage_1: float, tokenising: float, asked_rows: int) -> float:
    """Return what a row of screened shards takes beside reading, screening, tokenising and the experts."""
    return max(0.0, (spent.around - asked_rows * tokenising) / spent.rows - stage_1)


@dataclass(frozen=True)
class StudentCosts:
    """What a second stage adds."""

    reached: float
    """Such a share of the rows that no draw has is read."""
    seconds: float
    """Tokenising a text and reading it for all labels takes so long."""


def stage_seconds(
    costs: UnitCosts,
    passing: Passing,
    rows: int,
    sizes: DrawSizes,
    slower: float = 1.0,
    student: StudentCosts | None = None,
) -> dict[str, float]:
    """Return what each stage takes of a pool of so many rows, with experts that are so many times slower.

    A student reads what reaches it, and the draws that choose its path and bound it.
    """
    drawn = sizes.texts - sizes.audit
    experts, any_expert = passing.asked(sizes.audit / rows)
    others = rows - drawn
    read = sizes.choose + sizes.calibrate + (student.reached * others if student else 0)
    second = {"student": student.seconds * read} if student else {}
    return second | {
        "drawing": costs.drawing * rows,
        "draws": (costs.draw_around + slower * costs.draw_engines) * drawn,
        "fitting": costs.fitting * sizes.fit,
        "stage_1": costs.stage_1 * rows,
        "tokenising": costs.tokenising * any_expert * others,
        "experts": slower * costs.expert * experts * others,
        "writing": costs.writing * rows,
    }


def _asked(receipt: Receipt) -> int:
    if not receipt.screened:
        return sum(receipt.rows_out.values())
    return sum(rows.stages.get(stage, 0) for rows in receipt.screened.values() for stage in (EXPERT, AUDITED))


def _either(one: float, other: float) -> float:
    return one + other * (1 - one)
