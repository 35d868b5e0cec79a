"""The demo round on SLURM beside what `make demo` left of the local profile.

Which variant of an engine model ships is a matter of measured speed, and so may differ from one conversion to the next.
Here a conversion may only try the one that the demo shipped. To save time one label is done, and only the seed that
was selected is trained; WINNOW_WHOLE_DEMO=1 does both labels with every seed, in half an hour on two cores.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from deployments.demo.run import FLOWS, ROUND_FILE
from infra.services.settings import read_settings
from tasks.core.round.conversion_section import VARIANT_NAMES
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tests.support.soundness import read_scores, wrong_in

pytestmark = [pytest.mark.slurm, pytest.mark.drill, pytest.mark.timeout(0)]
WHOLE = os.environ.get("WINNOW_WHOLE_DEMO") == "1"
LABELS = ["positive", "negative"] if WHOLE else ["positive"]


@pytest.fixture(scope="module")
def local():
    """The demo's run folder, of the local profile."""
    runs = read_round(ROUND_FILE).inference.output_path
    manifests = sorted(runs.glob("iter_0-main-*-evaluation/manifest.json"), key=lambda path: path.stat().st_mtime)
    if not manifests and os.environ.get("CI") != "true":
        pytest.skip("`make demo` has not left a finished run to compare with")
    assert manifests, "CI must run `make demo` before these tests"
    return RunFolder(manifests[-1].parent)


def shipped(folder, label):
    """Return the variant that scored a label."""
    engines = json.loads(folder.manifest_path.read_text())["engines"]
    ((variant, _),) = next(use["variants"] for use in engines if use["label"] == label).items()
    return variant


def selected_seed(label):
    """Return the seed that the demo selected for a label."""
    summary = json.loads((read_settings().home / "demo" / "summary.json").read_text())
    return summary["labels"][label]["winner"]


def write_copy(folder, label, variant):
    """Write the demo round for one label, on SLURM, with one variant to try and, unless WHOLE, one seed."""
    content, here = yaml.safe_load(ROUND_FILE.read_text()), ROUND_FILE.parent
    content["labels"] = {name: name if name == label else None for name in content["labels"]}
    if not WHOLE:
        content["training"]["seeds"] = [selected_seed(label)]
    content["labelled_data"]["path"] = str(here / content["labelled_data"]["path"])
    content["base_model"] = str(here / content["base_model"])
    content["samples"]["evaluation"]["path"] = str(here / content["samples"]["evaluation"]["path"])
    content["conversion"]["variants"] = [name for name in VARIANT_NAMES if variant.startswith(name)]
    content["inference"]["output_path"], content["work_path"] = str(folder / "runs"), str(folder / "work")
    content["clusters"] = dict.fromkeys(content["clusters"], "slurm-local")
    path = folder / ROUND_FILE.name
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("label", LABELS)
def test_the_demo_round_on_slurm_gives_the_local_profiles_scores_to_the_last_byte(local, typed, tmp_path, label):
    round_file = write_copy(tmp_path, label, shipped(local, label))
    typed("winnow", "deploy", str(round_file))
    for flow in FLOWS:
        typed("prefect", "deployment", "run", f"{flow}/us-iter0", "--watch")
    (path,) = read_round(round_file).inference.output_path.iterdir()
    folder = RunFolder(Path(path))
    expected = {name: scores for name, scores in read_scores(local).items() if f"/{label}/" in name}
    assert shipped(folder, label) == shipped(local, label)
    assert len(expected) > 1
    assert read_scores(folder) == expected
    assert wrong_in(folder) == []
