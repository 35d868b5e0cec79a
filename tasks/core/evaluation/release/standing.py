"""What the release gate compares of two versions: their best texts with their labels, and their expansion."""

from dataclasses import dataclass

from tasks.core.evaluation.count_bounds import Cell, Estimate, true_texts


@dataclass(frozen=True)
class TopTexts:
    """The best texts of a version, down to a rank, and their labels."""

    rank: int
    cells: tuple[Cell, ...]

    @property
    def labelled(self) -> int:
        """So many of them have an answer."""
        return sum(cell.labelled for cell in self.cells)

    @property
    def precision(self) -> Estimate:
        """The share of them that is true."""
        return true_texts(self.cells).scaled(1 / self.rank)


@dataclass(frozen=True)
class Expansion:
    """How many texts of a sample lie above a calibrated threshold."""

    above: Estimate
    rows: int
    labelled: int
    """The calibration follows from so many labels."""

    @property
    def share(self) -> Estimate:
        """The same in a million texts, so that samples of two sizes compare."""
        return self.above.scaled(1e6 / self.rows)


@dataclass(frozen=True)
class Standing:
    """What is known of a version on a pool."""

    registered_model: str
    version: str
    tops: dict[int, TopTexts]
    expansion: Expansion | None
    lacking: str = ""
    """This is why there is no expansion."""
    lacking_labels: int = 0
    """So many more labels are lacking for one, at least."""
    rows: int | None = None
    """So many texts were ranked; None where it was never evaluated."""
    sample_digest: str = ""
    """Two versions that ranked the same texts have the same."""
