"""Every file that ships is usable: rounds, cluster profiles, demo data."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from infra.clusters.profiles import read_profile
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.round.round_file import read_round

ROOT = Path(__file__).parents[1]
ROUNDS = sorted((ROOT / "deployments" / "rounds").glob("*.yaml"))
PROFILES = sorted((ROOT / "infra" / "clusters").glob("*.yaml"))


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
