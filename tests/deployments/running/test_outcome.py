"""Where a run's results lie is read from its links, as they are left in Prefect's UI."""

from pathlib import Path

from deployments.running.outcome import FOLDER, _without_links
from tasks.core.base.naming.artifact_names import LINKS_BEGIN
from tasks.links import text_of

PLACES = {
    "MLflow": "[runs of us-iter0](http://127.0.0.1:5000/#/experiments/1/runs)",
    "models": "[us.positive](http://127.0.0.1:5000/#/models/us.positive), [us.negative](http://127.0.0.1:5000/#/m)",
    "report": "`/scratch/reports/us-iter0/report.html`",
    "run folder": f"`{Path('/runs/iter_0-main-3f9a0c11d2e4-evaluation')}`",
}


def test_the_folder_is_found_among_the_links():
    found = [(place["what"], place["path"]) for place in FOLDER.finditer(text_of(PLACES))]
    assert found == [("run folder", "/runs/iter_0-main-3f9a0c11d2e4-evaluation")]


def test_what_stands_below_each_artifact_is_said_once_for_all():
    assert _without_links(f"Seeds of us-iter0\n\n{LINKS_BEGIN}MLflow: [runs](http://x)") == "Seeds of us-iter0"
    assert _without_links("Seeds of us-iter0") == "Seeds of us-iter0"
