"""The training flow under Prefect's test harness, on Dask workers: search, faults, heads, countries."""

import contextvars
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow.artifacts import download_artifacts, list_artifacts
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact

from flows.conversion import conversion
from flows.inference import inference
from flows.training import training
from tasks.core.base.errors import InputDataError, TrainingError
from tasks.core.base.files import fingerprint, sha256_of_folder
from tasks.core.round.round_file import read_round
from tasks.records.registry import find_version
from tasks.records.tracking import read_json_artifact, tracking_uri
from tasks.training import train_one_seed
from tests.support.round_files import write_round
from tests.support.tiny import make_sentences

# Several whole trainings a test, each with its own Dask workers: slow where cores are shared.
LOADED = """\
import sys, mlflow
found = mlflow.pyfunc.load_model(sys.argv[1]).predict(["good word1", ""])
print(list(found.columns), len(found))
"""
"""What README's example does with a version of an alias, in a process of its own."""
pytestmark = pytest.mark.usefixtures("orchestration")
ONE_LABEL = {"positive": "positive", "negative": None}


def new_country():
    return f"X{uuid.uuid4().hex[:8]}"


def settings(**changes):
    return {
        "seeds": [1, 2],
        "epochs": 1,
        "batch_size": 16,
        "max_length_tokens": 32,
        "bootstrap_resamples": 100,
    } | changes


@pytest.fixture
def make(make_round):
    def make(**changes):
        return make_round(country=new_country(), labels=ONE_LABEL, training=settings(**changes))

    return make


def runs_of(round_, kind):
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(round_.name)
    return client.search_runs([experiment.experiment_id], f"tags.`winnow.kind` = '{kind}'")


def parent_of(round_):
    (run,) = runs_of(round_, "study")
    return run


def test_a_selection_leaves_its_record_tables_pictures_and_warnings(make, caplog):
    path = make()
    training(str(path))
    round_ = read_round(path)
    parent = parent_of(round_)
    assert parent.info.status == "FINISHED"
    names = {file.path for file in list_artifacts(run_id=parent.info.run_id, tracking_uri=tracking_uri())}
    assert names >= {"selection.json", "data_report.json", "seeds.md", "results_positive.md", "pictures"}
    pictures = list_artifacts(run_id=parent.info.run_id, artifact_path="pictures", tracking_uri=tracking_uri())
    assert {Path(file.path).name for file in pictures} == {
        "seeds.png", "learning_curves.png", "precision_recall.png", "reliability.png",
    }  # fmt: skip
    record = read_json_artifact(parent.info.run_id, "selection.json")
    version = find_version(round_.registered_model("positive"), "iter0")
    assert version.tags["seed"] == str(record["winner"]["seed"]) == parent.data.tags["winnow.winning_seed"]
    described = MlflowClient(tracking_uri()).get_model_version(version.name, version.version).description
    interval = record["winner"]["interval"]
    assert f"{interval['low']:.4f} to {interval['high']:.4f}" in described
    assert len(version.tags) <= 10
    done = subprocess.run(
        [sys.executable, "-c", LOADED, f"models:/{version.name}@iter0"], capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("['probability'] 2\n"), done.stderr
    assert parent.data.params["seeds"] == str(list(round_.training.seeds))
    assert {run.data.tags["selected"] for run in runs_of(round_, "seed")} >= {"yes"}
    assert version.tags["data_digest"] == record["data"]["digest"]
    assert version.tags["run_id"] in {run.info.run_id for run in runs_of(round_, "seed")}
    assert parent.data.metrics["baseline/tfidf/test_average_precision"] > 0
    assert parent.data.metrics["baseline/ensemble/test_average_precision"] > 0
    warned = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert record["warnings"]
    assert set(record["warnings"]) <= set(warned)
    assert any(told.startswith("positive, test rows: TF-IDF") and "is ahead" in told for told in record["warnings"])
    for table in ("seeds", "results"):
        description = Artifact.get(f"{round_.name}-{table}").description
        assert all(f"**Warning:** {told}" in description for told in record["warnings"])
        assert f"MLflow: [runs of {round_.name}](" in description
    bar = Artifact.get(f"{round_.name}-training-progress")
    assert (bar.data, bar.description) == (100.0, "2 of 2 seeds are trained")
    links = Artifact.get(f"{round_.name}-training-links").data
    assert "viewStateShareKey=seeds-positive" in links
    assert f"seeds of positive: `{round_.work_path / 'seeds' / round_.name / 'positive'}`" in links
    results = json.loads(Artifact.get(f"{round_.name}-results").data)
    assert [row["Models"] for row in results][:2] == ["Random", "TF-IDF + logistic regression"]


def test_a_search_chooses_the_settings_of_the_seeds_and_is_not_done_twice(make):
    grid = {"batch_sizes": [8, 16], "learning_rates": [1e-2, 1e-3, 1e-6]}
    path = make(epochs=3, search={"strategy": "halving", **grid})
    training(str(path))
    round_ = read_round(path)
    rows = json.loads(Artifact.get(f"{round_.name}-search").data)
    assert len(rows) == 6
    assert rows[0]["trial"].startswith("finished, ")
    assert {row["trial"].partition(",")[0] for row in rows[1:]} <= {"finished", "pruned"}
    best = {"batch_size": str(rows[0]["BatchSize"]), "learning_rate": str(rows[0]["LearningRate"])}
    for run in runs_of(round_, "seed"):
        assert best.items() <= run.data.params.items()
    trials = runs_of(round_, "trial")
    assert len(trials) == 6
    assert {run.data.params["learning_rate"] for run in trials} == {"0.01", "0.001", "1e-06"}
    parent = parent_of(round_)
    text = Path(download_artifacts(run_id=parent.info.run_id, artifact_path="search.md", tracking_uri=tracking_uri()))
    assert f"Best Configuration is {best['batch_size']} {float(best['learning_rate']):g}" in text.read_text()
    version = find_version(round_.registered_model("positive"), "iter0")

    training(str(path))
    assert len(runs_of(round_, "trial")) == 6
    assert len(runs_of(round_, "seed")) == 2
    assert find_version(round_.registered_model("positive"), "iter0") == version


def seed_workspace(round_, seed):
    folder = round_.work_path / "seeds" / round_.name / "positive"
    found = list(folder.glob(f".seed-{seed}-*.training"))
    return found[0] if found else None


def kill_seed_twice(round_, killed, ended):
    """Kill the worker that trains seed 1 whenever a new whole checkpoint stands there, twice."""
    seen = 0
    while len(killed) < 2 and not ended.is_set():
        workspace = seed_workspace(round_, 1)
        whole = sorted(
            int(re.search(r"-(\d+)$", marker.parent.name)[1]) for marker in workspace.glob("*/winnow-whole")
        ) if workspace else []  # fmt: skip
        if whole and whole[-1] > seen:
            pid = int(workspace.with_suffix(".lock").read_text().split()[1])
            if pid not in [entry[0] for entry in killed]:
                os.kill(pid, signal.SIGKILL)
                seen = whole[-1]
                killed.append((pid, seen))
        time.sleep(0.01)


@pytest.mark.drill
def test_a_seed_killed_twice_goes_on_from_its_last_checkpoint_to_the_same_weights(make):
    many = {"epochs": 40, "seeds": [1], "batch_size": 8}
    undisturbed, disturbed = make(**many), make(**many)
    training(str(undisturbed))
    round_ = read_round(disturbed)
    killed = []
    ended = threading.Event()
    killer = threading.Thread(target=kill_seed_twice, args=(round_, killed, ended))
    killer.start()
    try:
        training(str(disturbed))
    finally:
        ended.set()
        killer.join()
    assert len(killed) == 2
    assert killed[1][1] > killed[0][1] > 0
    versions = [
        find_version(read_round(path).registered_model("positive"), "iter0") for path in (undisturbed, disturbed)
    ]
    assert versions[0].digest == versions[1].digest
    statuses = sorted(run.info.status for run in runs_of(round_, "seed"))
    assert statuses == ["FINISHED", "KILLED", "KILLED"]
    assert seed_workspace(round_, 1) is None


def block_seed(round_file, seed, study="positive"):
    """Stand a file where the seed's folder of work must be; return it."""
    training_folder = read_round(round_file).work_path / "seeds" / read_round(round_file).name / study
    (finished,) = training_folder.glob(f"seed-{seed}-*")
    for path in finished.iterdir():
        path.unlink()
    finished.rmdir()
    blocker = finished.with_name(f".{finished.name}.training")
    blocker.write_text("not a folder")
    return blocker


@pytest.mark.drill
def test_a_seed_that_always_fails_fails_the_flow_or_is_named(make_round, tmp_path):
    country = new_country()
    path = make_round(country=country, labels=ONE_LABEL, training=settings())
    training(str(path))
    blocker = block_seed(path, 2)
    with pytest.raises(TrainingError, match=r"1 finished seeds of 2, but needs 2.*\n  seed 2: .*File exists"):
        training(str(path))
    assert parent_of(read_round(path)).info.status == "FAILED"

    make_round(country=country, labels=ONE_LABEL, training=settings(minimum_seeds=1))
    training(str(path))
    record = read_json_artifact(parent_of(read_round(path)).info.run_id, "selection.json")
    assert record["winner"]["seed"] == 1
    assert "File exists" in record["failed_seeds"]["2"]
    table = json.loads(Artifact.get(f"{read_round(path).name}-seeds").data)
    assert table[-1]["seed"] == 2
    assert table[-1]["selected"].startswith("failed:")
    blocker.unlink()


def test_refused_data_of_one_label_leaves_the_others_run_in_a_true_state(make_round, labelled_file):
    path = make_round(country=new_country(), training=settings())
    training(str(path))
    table = pq.read_table(labelled_file)
    blank = pa.nulls(table.num_rows, pa.int8())
    pq.write_table(table.set_column(table.schema.get_field_index("negative"), "negative", blank), labelled_file)
    with pytest.raises(InputDataError, match=r"label 'negative' .* is blank in all 120 rows"):
        training(str(path))
    assert {run.info.status for run in runs_of(read_round(path), "study")} == {"FINISHED"}


@pytest.mark.parametrize("failing", ["positive", pytest.param("negative", marks=pytest.mark.drill)])
def test_a_label_that_fails_leaves_the_others_selection_finished(make_round, failing, monkeypatch):
    monkeypatch.setattr(train_one_seed, "retry_delay_seconds", [0.1])
    country = new_country()
    path = make_round(country=country, training=settings())
    training(str(path))
    block_seed(path, 2, study=failing)
    with pytest.raises(TrainingError, match=f"'{failing}' has 1 finished seeds of 2"):
        training(str(path))
    states = {run.data.tags["study"]: run.info.status for run in runs_of(read_round(path), "study")}
    assert states == {"positive": "FINISHED", "negative": "FINISHED"} | {failing: "FAILED"}


def write_emotions(path, rows=150):
    """Texts with three labels: a soft share for each word, the first label blank in some rows."""
    texts = make_sentences(rows, seed=4)
    draw = np.random.default_rng(0)
    columns = {
        "joy": [None if number % 10 == 0 else float("good" in text) for number, text in enumerate(texts)],
        "anger": [float("bad" in text) for text in texts],
        "fear": [float(value) for value in draw.choice([0, 0.34, 0.67, 1], rows)],
    }
    pq.write_table(pa.table({"tweet_id": pa.array(range(rows), pa.int64()), "text": texts} | columns), path)
    return path


@pytest.mark.drill
def test_one_model_for_several_soft_labels_from_data_to_scores(tmp_path, tiny_bert):
    labels = {"joy": "joy", "anger": "anger", "fear": "fear"}
    path = write_round(
        tmp_path,
        tiny_bert,
        sample_rows=240,
        country=new_country(),
        labels=labels,
        labelled_data={"path": str(write_emotions(tmp_path / "emotions.parquet")), "targets": "soft"},
        preprocessing="tweet",
        training=settings(head="multi_label"),
    )
    training(str(path))
    conversion(str(path))
    inference(str(path))
    round_ = read_round(path)
    versions = {label: find_version(round_.registered_model(label), "iter0") for label in labels}
    assert len({version.digest for version in versions.values()}) == 1
    assert len(runs_of(round_, "seed")) == 2
    (folder,) = round_.inference.output_path.iterdir()
    scores = {
        label: pa.concat_tables([pq.read_table(part) for part in sorted((folder / "output" / label).iterdir())])
        for label in labels
    }
    assert {table.num_rows for table in scores.values()} == {240}
    assert scores["joy"]["score"].to_pylist() != scores["anger"]["score"].to_pylist()
    record = read_json_artifact(parent_of(round_).info.run_id, "selection.json")
    assert set(record["results"]) == set(labels)
    assert record["data"]["positives"]["fear"]["train"] > 0


@pytest.mark.drill
def test_three_countries_side_by_side_mix_no_data_runs_or_names(tmp_path, tiny_bert):
    """One work folder and one registry for all; each country has its own texts."""
    countries = [new_country() for _ in range(3)]
    paths = []
    for number, country in enumerate(countries):
        folder = tmp_path / country
        folder.mkdir()
        texts = [f"{country} {text}" for text in make_sentences(120, seed=number)]
        table = pa.table(
            {
                "tweet_id": pa.array(range(120), pa.int64()),
                "text": texts,
                "positive": pa.array([int("good" in text) for text in texts], pa.int8()),
            }
        )
        pq.write_table(table, folder / "labelled.parquet")
        paths.append(
            write_round(
                folder,
                tiny_bert,
                country=country,
                labels={"positive": "positive"},
                training=settings(),
                work_path=str(tmp_path / "work"),
            )
        )
    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(contextvars.copy_context().run, training, str(path)) for path in paths]
    assert [future.result() for future in done] == [None] * 3
    digests = set()
    for country, path in zip(countries, paths, strict=True):
        round_ = read_round(path)
        version = find_version(f"{country.lower()}.positive", "iter0")
        seeds = runs_of(round_, "seed")
        assert len(seeds) == 2
        assert version.run_id in {run.info.run_id for run in seeds}
        assert {run.data.tags["round"] for run in [*seeds, parent_of(round_)]} == {round_.name}
        data = read_json_artifact(parent_of(round_).info.run_id, "selection.json")["data"]
        assert {column.split()[0] for column in pq.read_table(data["path"])["text"].to_pylist()} == {country}
        assert f"/{round_.name}/" in data["path"]
        digests |= {version.digest, data["digest"]}
        copy = tmp_path / "work" / "models" / version.name / version.folder_name
        assert fingerprint(sha256_of_folder(copy)) == version.digest
    assert len(digests) == 6
