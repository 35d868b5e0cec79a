"""Every file that ships is usable: rounds, cluster profiles, demo data. Nothing else lies in the root."""

import ast
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from matplotlib.image import imread

from infra.clusters.profiles import read_profile
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.round_file import read_round
from tests.support.screens import DESK

ROOT = Path(__file__).parents[1]
ROUNDS = sorted((ROOT / "deployments" / "rounds").glob("*.yaml"))
PROFILES = sorted((ROOT / "infra" / "clusters").glob("*.yaml"))
SOURCE = ("deployments", "flows", "infra", "tasks", "tests")
IN_THE_ROOT = {
    *SOURCE,
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "pyproject.toml",
    "requirements.lock",
}
MADE_IN_THE_ROOT = {"__pycache__", "build", "dist", "winnow.egg-info"}


@pytest.mark.parametrize("path", ROUNDS, ids=lambda path: path.stem)
def test_every_round_loads_and_its_files_are_there(path, tmp_path):
    round_ = read_round(path)
    for sample in round_.samples.values():
        assert list_sample(sample)
    training = round_.training
    for study, labels in round_.studies.items():
        request = StudyRequest(study, labels, training.head, training.metric, round_.preprocessing)
        assert prepare_splits(round_.labelled_data, request, tmp_path).rows["train"] > 0


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_cluster_profile_loads(path):
    assert read_profile(path.stem) == read_profile(str(path))


def test_every_yaml_file_is_yaml():
    files = [path for folder in ("deployments", "infra") for path in (ROOT / folder).rglob("*.y*ml")]
    assert len(files) >= len(ROUNDS) + len(PROFILES)
    for path in files:
        assert yaml.safe_load(path.read_text()) is not None, path


def test_the_demos_sample_holds_no_text_that_models_were_trained_or_selected_on():
    data = ROOT / "deployments" / "demo" / "data"
    labelled = pq.read_table(data / "labelled.parquet").to_pandas()
    seen = set(labelled.loc[labelled["split"].isin(["train", "validation"]), "tweet_id"])
    sample = {id_ for path in (data / "sample").iterdir() for id_ in pq.read_table(path)["tweet_id"].to_pylist()}
    assert len(seen) == 1_000
    assert len(sample) == 22_703
    assert not seen & sample


def strays(names: set[str]) -> set[str]:
    """Return what does not belong in the root; dot-files may lie there."""
    return {name for name in names - IN_THE_ROOT - MADE_IN_THE_ROOT if not name.startswith(".")}


def test_only_known_files_lie_in_the_root():
    assert strays({path.name for path in ROOT.iterdir()}) == set(), "move them away, and mend what wrote them here"
    assert strays({"slurm-1.out", "core.77", "notes.md", ".pre-commit-config.yaml", "tasks"}) == {
        "slurm-1.out",
        "core.77",
        "notes.md",
    }


def homeless_jobs(source: str) -> list[str]:
    """Return calls that submit a job whose output SLURM would write to where the caller stands, as into the root."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        words = [*call.args, *(one for given in call.args if isinstance(given, ast.List) for one in given.elts)]
        submits = any(isinstance(word, ast.Constant) and word.value == "sbatch" for word in words)
        text = ast.unparse(call)
        found += [text] if submits and "--output=" not in text and "--test-only" not in text else []
    return found


def test_every_job_is_told_where_its_output_goes():
    files = [path for folder in SOURCE[:-1] for path in (ROOT / folder).rglob("*.py")]
    calls = [(path.name, call) for path in files for call in homeless_jobs(path.read_text())]
    assert calls == []
    assert homeless_jobs("subprocess.run(['sbatch', '--parsable', 'job.sh'])")
    assert homeless_jobs("run_slurm('sbatch', 'job.sh')")


def test_readmes_pictures_are_of_a_desk_s_screen_and_light():
    pictures = sorted((ROOT / "deployments" / "pictures").iterdir())
    assert "report.png" in [path.name for path in pictures]
    for path in pictures:
        height, width, _ = imread(path).shape
        assert (width, height) <= DESK
        assert width == DESK[0]
        assert path.stat().st_size < 150_000
        assert f"(deployments/pictures/{path.name})" in (ROOT / "README.md").read_text()
