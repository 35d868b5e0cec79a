"""A picture of how far each variant's log-odds are off its checkpoint's."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKED = 100
PANELS_A_ROW = 3
TEXTS, BEST = "#7f8c8d", "#c0392b"


def draw_scatter(label: str, reference: NDArray[np.floating], found: Mapping[str, NDArray[np.floating]]) -> "Figure":
    """Draw a panel a variant: how far its log-odds are off, over the checkpoint's; both of shape (texts,).

    Points on a smooth line keep their order, a cloud does not, and a falling line of slope -1 is saturation: errors
    too small to see beside the identity show here. The checkpoint's 100 best texts are marked.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, where a picture is drawn

    lines = -(-len(found) // PANELS_A_ROW)
    figure = Figure(figsize=(4 * min(len(found), PANELS_A_ROW), 3.4 * lines + 0.4), layout="constrained")
    figure.suptitle(f"{label}: how far each variant's log-odds are off, the checkpoint's {MARKED} best texts in red")
    best = np.argsort(reference)[-MARKED:]
    for place, (variant, odds) in enumerate(found.items(), start=1):
        axes = figure.add_subplot(lines, min(len(found), PANELS_A_ROW), place)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.scatter(reference, odds - reference, s=3, color=TEXTS, linewidths=0, rasterized=True)
        axes.scatter(reference[best], (odds - reference)[best], s=5, color=BEST, linewidths=0, rasterized=True)
        axes.set(title=variant, xlabel="checkpoint's log-odds", ylabel="variant's minus checkpoint's")
        axes.grid(alpha=0.3)
    return figure
