"""What labels say of a ranking: precision at a rank, precision by rank, positives in the pool, recall at a rank."""

from dataclasses import dataclass

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.count_bounds import CONFIDENCE, Cell, Estimate, true_texts
from tasks.core.evaluation.labelled_ranks import LabelledRanks


@dataclass(frozen=True)
class Figure:
    """An estimate over the ranks 1 to `rank`, and what it stands on."""

    rank: int
    estimate: Estimate
    labelled: int
    unlabelled_stretches: tuple[str, ...]
    """No text of these ranks has an answer: of them nothing is known, which the interval has room for."""

    def __str__(self) -> str:
        said = f"{self.estimate}, {self.labelled} of {self.rank} labelled"
        return said + (
            f"; nothing labelled of {', '.join(self.unlabelled_stretches)}" if self.unlabelled_stretches else ""
        )


@dataclass(frozen=True)
class CurvePoint:
    """The precision within a stretch of ranks, and among all texts down to its end."""

    first: int
    last: int
    drawn: int
    labelled: int
    within: Estimate
    down_to: Estimate


def precision_at(labels: LabelledRanks, rank: int) -> Figure:
    """Estimate the share of true texts among the `rank` best, or among all where there are fewer.

    Raises:
        EvaluationError: none of them has an answer.
    """
    rank = min(rank, labels.rows)
    stretches = labels.stretches(1, rank)
    labelled = sum(stretch.labelled for stretch in stretches)
    if not labelled:
        raise EvaluationError(
            f"none of the {rank} best texts has an answer, so nothing is known of the precision among them. Label the "
            "texts of the evaluation batch, of high ranks first."
        )
    empty = tuple(f"ranks {one.first} to {one.last}" for one in stretches if not one.labelled)
    cells = [cell for stretch in stretches for cell in stretch.cells]
    return Figure(rank, true_texts(cells).scaled(1 / rank), labelled, empty)


def precision_curve(labels: LabelledRanks) -> list[CurvePoint]:
    """Return the precision of every stretch down to where labels reach; each band is of 95 % by itself."""
    points = []
    stretches = labels.stretches(1, labels.reach) if labels.reach else []
    cells: list[Cell] = []
    for stretch in stretches:
        cells += stretch.cells
        within = true_texts(stretch.cells).scaled(1 / stretch.texts)
        down_to = true_texts(cells).scaled(1 / stretch.last)
        points.append(CurvePoint(stretch.first, stretch.last, stretch.drawn, stretch.labelled, within, down_to))
    return points


def positives_down_to(labels: LabelledRanks, rank: int) -> Estimate:
    """Estimate how many of the `rank` best texts are true."""
    return true_texts(labels.cells(1, min(rank, labels.rows)))


def recall_at(labels: LabelledRanks, rank: int) -> Estimate | None:
    """Estimate which share of the true texts has this rank or a better one, of those down to where labels reach.

    None where not one true text was found. Both parts' bounds hold at once with 95 % (Bonferroni), so that the
    interval of their ratio does, too.
    """
    rank, reach = min(rank, labels.reach), labels.reach
    if not rank:
        return None
    confidence = (1 + CONFIDENCE) / 2
    found = true_texts(labels.cells(1, rank), confidence)
    missed = true_texts(labels.cells(rank + 1, reach), confidence)
    if not found.value + missed.value:
        return None
    low = found.low / (found.low + missed.high) if found.low else 0.0
    high = found.high / (found.high + missed.low) if found.high else 0.0
    return Estimate(found.value / (found.value + missed.value), low, high)
