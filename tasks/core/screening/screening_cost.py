"""What a run cost with screening, a stage at a time, and what the same run would have cost without."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StageCost:
    """One stage of a run."""

    name: str
    texts_in: int
    texts_out: int
    """So many texts go on to the next stage; of the last one, so many got an expert's score."""
    core_seconds: float


@dataclass(frozen=True)
class ScreeningCost:
    """All stages of a run, and the run without them."""

    stages: tuple[StageCost, ...]
    core_seconds_without: float
    """The experts alone would take so long for every text and label."""

    @property
    def core_seconds(self) -> float:
        """Return what all stages take."""
        return sum(stage.core_seconds for stage in self.stages)

    @property
    def times_cheaper(self) -> float:
        """Return how many times as much the run would cost without screening."""
        return self.core_seconds_without / self.core_seconds if self.core_seconds else 1.0

    @property
    def sentence(self) -> str:
        """Return what screening saves, in one sentence."""
        return (
            f"{self.core_seconds / 3600:.3g} core-hours instead of {self.core_seconds_without / 3600:.3g}: "
            f"{self.times_cheaper:.3g} times cheaper."
        )
