"""The page of MLflow that shows a study's seeds beside each other: what it was selected by first, the rest folded.

It is a view that the experiment holds as one of its tags, in the form in which MLflow's own *Save view* writes it; it
stands under *Views*, too.
"""

import json
from typing import Any

from tasks.core.base.naming.composed_names import seeds_view
from tasks.core.base.naming.file_names import SELECTED_TAG
from tasks.core.round.model import Round
from tasks.records.metric_names import metric_name
from tasks.records.reachable import needs_server
from tasks.records.tracked_run import KIND_TAG, Experiment, TrackedRun
from tasks.records.tracking import known_experiment

SHARED_VIEW = "mlflow.sharedViewState."
OPEN_SECTION = "seeds"
FOLDED = ("validation", "test", "curve", "threshold", "cost", "rung", "system", "Model metrics", "System metrics")
"""What else the seeds' runs hold is a click away."""
ALWAYS = ("average_precision", "f1")
COLUMNS, CARD_PIXELS, RUNS = 2, 270, 20


def keep_seeds_page(parent: TrackedRun, study: str, metric: str) -> str:
    """Have the experiment show the seeds of a study's parent run on a page of their own; return its address."""
    experiment = parent.experiment
    began = parent.started_milliseconds
    view = {"name": f"seeds of {study}", "createdAt": began, "updatedAt": began}
    view |= {"state": json.dumps(_state(parent, metric))}
    experiment.set_tags({SHARED_VIEW + seeds_view(study): json.dumps(view)})
    return seeds_address(experiment, study)


def seeds_address(experiment: Experiment, study: str) -> str:
    """Return where a person sees a study's seeds beside each other."""
    view = f"viewStateShareKey={seeds_view(study)}&compareRunsMode=CHART"
    return f"{experiment.address}&{view}"


def round_pages(round_: Round, with_seeds: bool) -> list[str]:
    """Return where a person looks at a round: each study's seeds side by side, or all its runs.

    Raises:
        TrackingAwayError: the server does not answer.
        RegistryError: it is not said where it is.
    """
    with needs_server("What it holds of the round is looked at when it is back."):
        experiment = known_experiment(round_.name)
        views = {} if experiment is None else experiment.tags
    if experiment is None:
        return []
    known = [study for study in round_.studies if SHARED_VIEW + seeds_view(study) in views]
    return [seeds_address(experiment, study) for study in known] if with_seeds and known else [experiment.address]


def _state(parent: TrackedRun, metric: str) -> dict[str, Any]:
    """Return what MLflow's page keeps of filter, order, columns and charts."""
    shown = [
        metric_name(f"{split}_{name}") for name in dict.fromkeys([metric, *ALWAYS]) for split in ("validation", "test")
    ]
    own = " and ".join(f"tags.`{name}` = '{value}'" for name, value in ({KIND_TAG: "seed"} | parent.as_parent).items())
    return {
        "searchFilter": own,
        "orderByKey": f"metrics.`{shown[0]}`",
        "orderByAsc": False,
        "selectedColumns": [f"tags.`{SELECTED_TAG}`", "params.`seed`", *(f"metrics.`{name}`" for name in shown)],
        "runsHiddenMode": f"FIRST_{RUNS}_RUNS",
        "compareRunCharts": [_chart(name) for name in shown],
        "compareRunSections": [_section(OPEN_SECTION, True), *(_section(name, False) for name in FOLDED)],
        "isAccordionReordered": True,
    }


def _chart(metric: str) -> dict[str, Any]:
    return {
        "type": "BAR",
        "uuid": metric,
        "metricSectionId": OPEN_SECTION,
        "metricKey": metric,
        "displayName": metric.replace("/", " ").replace("_", " "),
        "runsCountToCompare": RUNS,
        "deleted": False,
        "isGenerated": False,
    }


def _section(name: str, is_open: bool) -> dict[str, Any]:
    layout = {"columns": COLUMNS, "cardHeight": CARD_PIXELS}
    return {"uuid": name, "name": name, "display": is_open, "isReordered": True, "deleted": False} | layout
