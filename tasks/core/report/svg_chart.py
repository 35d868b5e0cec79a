"""Charts as SVG in the page: the same facts give the same bytes, and the colours are the page's, light or dark."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, FIRST, SECOND, THIRD = "#010203", "#010204", "#010205", "#010206", "#010207"
"""These stand for the page's own colours: see VARIABLES."""
VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", FIRST: "var(--first)", SECOND: "var(--second)"}
VARIABLES |= {THIRD: "var(--third)"}
SIZE = (4.5, 2.7)
"""Charts are as wide as a telephone in inches, so that their letters are read there, too."""
STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.formatter.use_mathtext": False,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}


def chart(key: str, said: str, paint: Callable[["Axes"], None], size: tuple[float, float] = SIZE) -> Markup:
    """Return what `paint` draws; `key` tells its ids from those of the page's other charts, `said` stands for it."""
    from matplotlib import rc_context  # noqa: PLC0415 - half a second, where a chart is drawn
    from matplotlib.figure import Figure  # noqa: PLC0415

    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.subplots())
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    return _in_page(drawn.getvalue(), key, said)


def _in_page(svg: str, key: str, said: str) -> Markup:
    """Take off what a page has itself, and make ids the chart's own."""
    svg = svg[svg.index("<svg") :]
    head, _, body = svg.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{key}-", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, variable)
    opening = f'<svg class="chart" role="img" aria-label="{escape(said)}" {box[0] if box else ""}>'
    return Markup(opening + body)  # noqa: S704 - matplotlib escapes what it writes
