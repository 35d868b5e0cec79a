"""How far a version's scores of a sample lie from the champion's: two distances, and where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
QUANTILES = (*(tenth / 10 for tenth in range(1, 10)), 0.99, 0.999, 0.9999)
"""The champion's scores are parted here: tenths, and the top, where rare labels are."""
SMALL, LARGE = 0.1, 0.25
"""A population stability index below the first is little by custom, and one above the second is much."""


@dataclass(frozen=True)
class Band:
    """Scores between two of the champion's quantiles."""

    low: float
    high: float
    champion_share: float
    share: float

    @property
    def part(self) -> float:
        """The band adds this to the population stability index."""
        return float((self.share - self.champion_share) * np.log(self.share / self.champion_share))


@dataclass(frozen=True)
class Drift:
    """The two distances, and the bands of scores that they come from."""

    psi: float
    ks: float
    ks_score: float
    """The shares of texts below this score differ most."""
    below: float
    champion_below: float
    bands: list[Band]

    @property
    def sentence(self) -> str:
        """What moved, in words."""
        size = "little" if self.psi < SMALL else "some" if self.psi < LARGE else "much"
        most = max(self.bands, key=lambda band: band.part)
        return (
            f"{size}: population stability index {self.psi:.3f}, most of it from scores {most.low:.3g} to "
            f"{most.high:.3g}, which {most.share:.2%} of the texts have and {most.champion_share:.2%} had of the "
            f"champion; Kolmogorov-Smirnov {self.ks:.3f} at score {self.ks_score:.3g}, below which {self.below:.1%} "
            f"lie and {self.champion_below:.1%} lay"
        )


def measure_drift(counts: Counts, champion: Counts, edges: Sequence[float]) -> Drift:
    """Compare two versions' scores of the same texts, counted in the same bins; `edges` are the bins' lower ends."""
    tops = [*edges[1:], 1.0]
    own, theirs = np.cumsum(counts) / counts.sum(), np.cumsum(champion) / champion.sum()
    gaps = abs(own - theirs)
    at = int(gaps.argmax())
    cuts = np.unique(np.searchsorted(theirs, QUANTILES))
    bands = []
    for first, last in zip([0, *(cuts + 1)], [*(cuts + 1), len(counts)], strict=True):
        if last > first:
            shares = [_share(all_[first:last].sum(), all_.sum()) for all_ in (counts, champion)]
            bands.append(Band(float(edges[first]), float(tops[last - 1]), shares[1], shares[0]))
    psi = float(sum(band.part for band in bands))
    return Drift(psi, float(gaps[at]), float(tops[at]), float(own[at]), float(theirs[at]), bands)


def _share(texts: int, of: int) -> float:
    """Return a share that is never 0: half a text stands for none."""
    return float(max(texts, 0.5) / of)
