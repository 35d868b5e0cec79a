"""The main job under Prefect's test harness, on a LocalCluster, with a small BERT."""

import json
import os
import signal
import threading
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact

from deployments.demo.report import gather_summary
from flows.conversion import conversion
from flows.inference import inference
from flows.training import training
from infra.errors import ClusterError
from tasks.core.base.errors import InputDataError, RegistryError, RoundFileError
from tasks.core.base.files import sha256_of_folder
from tasks.core.round.round_file import read_round
from tasks.records.registry import find_version
from tasks.records.tracking import tracking_uri
from tests.support.round_files import one_worker, write_round

pytestmark = pytest.mark.usefixtures("orchestration")


def new_country():
    """A country that no other test uses, so that tests share the registry without meeting in it."""
    return f"X{uuid.uuid4().hex[:8]}"


@pytest.fixture
def round_file(make_round):
    return make_round(country=new_country())


@pytest.fixture
def trained(served, tmp_path):
    """A round whose engine models are registered, with an output path of this test's own."""
    content = yaml.safe_load(served.read_text())
    content["inference"]["output_path"] = str(tmp_path / "runs")
    path = tmp_path / served.name
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def on_own_workers(trained):
    """The round `trained`, whose flows start Dask workers of their own, as many as there are cores."""
    content = yaml.safe_load(trained.read_text())
    del content["clusters"]
    trained.write_text(yaml.safe_dump(content))
    return trained


def run_folders(round_file):
    return sorted(read_round(round_file).inference.output_path.iterdir())


def ids_of(folder, label):
    paths = sorted((folder / "output" / label).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in paths])["tweet_id"].to_pylist()


def assert_summary_is_complete(summary, folder):
    """The demo's summary, which programs read."""
    assert summary["run_folder"] == str(folder)
    assert (summary["rows_in"], summary["rows_out"]) == (400, {"positive": 400, "negative": 400})
    assert summary["seconds_per_flow"] == {"training": 1.5}
    assert summary["texts_per_second"] > 0
    for label in summary["labels"].values():
        assert [seed["seed"] for seed in label["seeds"]] == [1, 2]
        assert max(label["seeds"], key=lambda seed: seed["validation_average_precision"])["seed"] == label["winner"]
        assert 0 < label["baseline_test_average_precision"] <= 1
        assert label["parity"][0]["variant"] == label["serves"]
        assert len(label["top"]) == 10


EXPECTED_IDS = list(range(5 * 10**17, 5 * 10**17 + 400))


@pytest.fixture(scope="module")
def only_trained(tmp_path_factory, tiny_bert, orchestration):
    """A round file whose seeds are trained and selected, and nothing else."""
    path = write_round(tmp_path_factory.mktemp("trained"), tiny_bert, country=new_country(), clusters=one_worker())
    training(str(path))
    return path


def test_training_registers_the_selected_seed_of_each_label(only_trained):
    round_ = read_round(only_trained)
    for label in ("positive", "negative"):
        version = find_version(round_.registered_model(label), "iter0")
        assert version is not None
        assert version.tags["label"] == label
        assert int(version.tags["seed"]) in round_.training.seeds
    table = json.loads(Artifact.get(f"{round_.name}-seeds").data)
    assert [(row["study"], row["seed"]) for row in table] == [
        (label, n) for label in round_.active_labels for n in (1, 2)
    ]
    assert [row["selected"] for row in table].count("winner") == 2


def test_the_main_job_end_to_end_and_again(trained):
    inference(str(trained))
    (folder,) = run_folders(trained)
    for label in ("positive", "negative"):
        assert ids_of(folder, label) == EXPECTED_IDS
        assert len(list((folder / "logs" / label).glob("*.log"))) >= 1
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["counts"]["rows_in"] == 400
    assert_summary_is_complete(gather_summary(read_round(trained), {"training": 1.5}), folder)
    before = sha256_of_folder(folder)
    versions = [
        find_version(read_round(trained).registered_model("positive"), alias) for alias in ("iter0", "iter0-onnx")
    ]

    training(str(trained))
    conversion(str(trained))
    inference(str(trained))
    assert run_folders(trained) == [folder]
    assert sha256_of_folder(folder) == before
    assert versions == [
        find_version(read_round(trained).registered_model("positive"), alias) for alias in ("iter0", "iter0-onnx")
    ]


@pytest.mark.drill
def test_a_deleted_part_is_scored_again_to_the_same_bytes(trained):
    inference(str(trained))
    (folder,) = run_folders(trained)
    before = sha256_of_folder(folder / "output")
    (folder / "output" / "negative" / "part-00003.parquet").unlink()
    inference(str(trained))
    assert sha256_of_folder(folder / "output") == before


@pytest.mark.drill
def test_a_limit_a_run_name_and_another_model_give_folders_of_their_own(trained, make_round):
    inference(str(trained), limit=120)
    inference(str(trained), run_name="second", dry_run=True)
    assert len(run_folders(trained)) == 2
    assert not list(run_folders(trained)[1].glob("output"))
    content = yaml.safe_load(trained.read_text()) | {"country": new_country()}
    content["training"]["seeds"] = [3]
    changed = trained.with_name(f"{content['country'].lower()}-iter0.yaml")
    changed.write_text(yaml.safe_dump(content))
    training(str(changed))
    conversion(str(changed))
    inference(str(changed), limit=120)
    main_runs = [folder for folder in run_folders(changed) if "-main-" in folder.name]
    assert len(main_runs) == 2
    assert all(json.loads((folder / "manifest.json").read_text())["counts"]["rows_in"] == 120 for folder in main_runs)


def test_a_worker_killed_in_mid_shard_loses_and_doubles_nothing(on_own_workers):
    inference(str(on_own_workers), run_name="undisturbed")
    killed, ended = [], threading.Event()

    def kill_one_in_mid_shard():
        """Kill the worker that has logged its first label of a shard and has not finished the second."""
        while not (killed or ended.is_set()):
            for log in read_round(on_own_workers).inference.output_path.glob("*-disturbed-*/logs/positive/*.log"):
                os.kill(pid := int(log.stem.rsplit("-", 1)[1]), signal.SIGKILL)
                killed.append(pid)
                break
            time.sleep(0.001)

    killer = threading.Thread(target=kill_one_in_mid_shard)
    killer.start()
    try:
        inference(str(on_own_workers), run_name="disturbed")
    finally:
        ended.set()
        killer.join()
    assert killed
    disturbed, undisturbed = run_folders(on_own_workers)
    assert sha256_of_folder(disturbed / "output") == sha256_of_folder(undisturbed / "output")
    for label in ("positive", "negative"):
        assert ids_of(disturbed, label) == EXPECTED_IDS


def test_inference_without_an_engine_model_names_the_flow_to_run(only_trained):
    name = read_round(only_trained).name
    with pytest.raises(RegistryError, match=f"prefect deployment run conversion/{name}"):
        inference(str(only_trained))
    assert not read_round(only_trained).inference.output_path.exists()


def test_conversion_without_a_checkpoint_names_the_flow_to_run(round_file):
    with pytest.raises(RegistryError, match=f"prefect deployment run training/{read_round(round_file).name}"):
        conversion(str(round_file))


def test_an_unknown_sample_lists_the_known_ones(trained):
    with pytest.raises(RoundFileError, match="no sample 'new_samples'; it has: evaluation"):
        inference(str(trained), sample="new_samples")


def test_bad_labelled_data_fails_before_any_seed_is_trained(make_round, labelled_file):
    table = pq.read_table(labelled_file)
    zeros = pa.array([0] * table.num_rows, pa.int8())
    pq.write_table(table.set_column(table.schema.get_field_index("positive"), "positive", zeros), labelled_file)
    path = make_round(country=f"X{uuid.uuid4().hex[:8]}")
    with pytest.raises(InputDataError, match=r"label 'positive' .* has 0 positives"):
        training(str(path))
    assert not (Path(read_round(path).work_path) / "seeds").exists()


def test_an_engine_model_of_an_earlier_selection_is_not_served(trained):
    round_ = read_round(trained)
    version = find_version(round_.registered_model("negative"), "iter0-onnx")
    client = MlflowClient(tracking_uri())
    client.set_model_version_tag(version.name, version.version, "source_version", "999")
    try:
        with pytest.raises(RegistryError, match=rf"made from .* version 999, but .* Run: .* conversion/{round_.name}"):
            inference(str(trained))
    finally:
        client.set_model_version_tag(version.name, version.version, "source_version", version.tags["source_version"])


@pytest.mark.parametrize("flow", [training, conversion])
def test_a_round_with_borrowed_models_makes_none(make_round, flow):
    path = make_round(country=new_country(), model_country="MX")
    with pytest.raises(RoundFileError, match="Run those flows of mx-iter0"):
        flow(str(path))


def test_an_address_without_a_scheduler_is_refused_at_once(round_file):
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        training(str(round_file), cluster="tcp://127.0.0.1:9")
