"""What MLflow calls a figure: it groups the charts of a page by what stands before the last `/`."""

SECTIONS = {
    "curve_": "curve/",
    "validation_": "validation/",
    "test_": "test/",
    "rung_": "rung/",
    "heldout_": "heldout/",
    "threshold.": "threshold/",
    "core_seconds": "cost/core_seconds",
}
"""A figure whose name begins so, in files of Winnow's, has the name on the right on MLflow's pages."""


def metric_name(figure: str) -> str:
    """Return MLflow's name of a figure: `validation/f1` for `validation_f1`; one that has a section keeps its name."""
    if "/" in figure:
        return figure
    for beginning, section in SECTIONS.items():
        if figure.startswith(beginning):
            return section + figure.removeprefix(beginning)
    return figure
