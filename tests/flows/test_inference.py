"""The inference flow under Prefect's test harness, on a LocalCluster: dry, twice at once, with more files, failing."""

import csv
import gzip
import json
import subprocess
import sys
import time
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from mlflow.tracking import MlflowClient
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
)
from prefect.client.schemas.sorting import ArtifactSort

from flows.inference import inference
from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.base.naming.work_places import inferences_folder, tracking_records
from tasks.core.base.run_record import read_run_record
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import continue_command
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.status.markers import read_failures, read_running
from tasks.core.screening.certificate import read_certificate, write_certificate
from tasks.records.inference_runs import log_inference
from tasks.records.telling import tell
from tasks.records.tracking import tracking_uri
from tests.support.ports import free_port
from tests.support.round_files import one_worker, write_sample
from tests.support.run_marks import HOLD
from tests.support.screened_runs import EASY

pytestmark = pytest.mark.usefixtures("orchestration")


@pytest.fixture
def round_file(served, tmp_path):
    """A round whose engine models are registered, with a sample and an output path of this test's own."""
    content = yaml.safe_load(served.read_text())
    content["inference"]["output_path"] = str(tmp_path / "runs")
    content["clusters"] = one_worker()
    content["samples"]["new_samples"] = {"path": str(write_sample(tmp_path / "new", 300))}
    path = tmp_path / served.name
    path.write_text(yaml.safe_dump(content))
    return path


def run_folders(round_file):
    paths = read_round(round_file).inference.output_path.iterdir()
    return [RunFolder(path) for path in sorted(paths, key=lambda path: path.stat().st_ctime_ns)]


def test_a_dry_run_estimates_the_cost_and_scores_nothing(round_file):
    inference(str(round_file), sample="new_samples", dry_run=True)
    (folder,) = run_folders(round_file)
    assert folder.path.name.endswith("-new_samples")
    assert [path.name for path in folder.path.iterdir()] == ["plan.parquet"]
    said = Artifact.get(f"{read_round(round_file).name}-main-new-samples-estimate").data
    assert said.startswith("300 rows to score: ")
    assert "core-hours" in said


@pytest.mark.drill
def test_a_run_that_is_named_is_gone_on_with_or_nothing_is_done(round_file):
    inference(str(round_file), sample="new_samples", dry_run=True)
    (folder,) = run_folders(round_file)
    run_id = parse_run_folder_name(folder.path.name).run_id
    inference(str(round_file), sample="new_samples", run_id=run_id)
    assert folder.manifest_path.is_file()
    with pytest.raises(RunFolderError, match=f"have changed since run {run_id}"):
        inference(str(round_file), sample="new_samples", run_id=run_id, limit=100)
    assert run_folders(round_file) == [folder]


def test_a_second_launch_is_refused_and_then_finds_the_work_to_go_on_with(round_file):
    inference(str(round_file), sample="new_samples", dry_run=True)
    (folder,) = run_folders(round_file)
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match="another launch works on"):
            inference(str(round_file), sample="new_samples")
    finally:
        first.kill()
        first.wait()
    inference(str(round_file), sample="new_samples")
    assert folder.manifest_path.is_file()
    for last, shown in (("progress", "100"), ("estimate", "rows to score")):
        data, flow_run = left(f"{read_round(round_file).name}-main-new-samples-{last}")
        assert shown in str(data)
        assert flow_run.endswith(" inference main, new_samples"), "it hangs on the run that a person started"


def left(key):
    """Return what the newest artifact of a key holds, and the name of the flow run that it hangs on."""
    with get_client(sync_client=True) as client:
        asked = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        found = client.read_artifacts(artifact_filter=asked, sort=ArtifactSort.CREATED_DESC)[0]
        return found.data, client.read_flow_run(found.flow_run_id).name


def test_no_artifact_of_a_trial_stands_in_the_place_of_the_runs(round_file):
    inference(str(round_file), sample="new_samples", run_name="trial", limit=100)
    (folder,) = run_folders(round_file)
    name = read_round(round_file).name
    called = f"{name} inference trial, new_samples, 100 rows"
    found = artifacts_of(called)
    links = next(one for one in found if one.key.endswith("-links"))
    assert f"run folder: `{folder.path}`" in links.data
    assert f"MLflow: [runs of {name}]({tracking_uri()}/#/experiments/" in links.data
    of_the_report = f"{name}-trial-new-samples-report"
    rest = {one.key: one for one in found if one != links and not one.key.endswith("-dask")}
    of_the_trial = f"{name}-trial-new-samples-first-100"
    assert {key.removeprefix(of_the_trial) for key in rest if key != of_the_report} == {
        "-estimate", "-progress", "-run", "-best-texts",
    }  # fmt: skip
    pages = [one.data if one.type == "markdown" else one.description for one in rest.values() if one.type != "progress"]
    assert all(f"run folder: `{folder.path}`" in page and "[runs of " in page for page in pages)


def artifacts_of(called):
    """Return what a flow run and its sub-flows left in Prefect's UI."""
    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(like_=called))
        runs = [run.id for run in client.read_flow_runs(flow_run_filter=named)]
        assert len(runs) == 2
        return client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=runs)))


def test_files_added_to_a_sample_are_all_that_the_next_run_scores(round_file, tmp_path):
    inference(str(round_file), sample="new_samples")
    ids = pa.array(range(7 * 10**17, 7 * 10**17 + 60), pa.int64())
    pq.write_table(pa.table({"tweet_id": ids, "text": ["good"] * 60}), tmp_path / "new" / "added.parquet")
    time.sleep(0.01)
    inference(str(round_file), sample="new_samples")
    first, second = run_folders(round_file)
    manifest = json.loads(second.manifest_path.read_text())
    assert manifest["counts"]["rows_in"] == 360
    assert manifest["timings"]["last_launch"]["rows_scored"] == 60
    scores = {
        folder.path.name: dict(zip(*(column.to_pylist() for column in _scores(folder).columns), strict=True))
        for folder in (first, second)
    }
    assert scores[first.path.name].items() <= scores[second.path.name].items()


def _scores(folder):
    return pa.concat_tables([pq.read_table(path) for path in sorted((folder.path / "output" / "positive").iterdir())])


@pytest.mark.drill
def test_a_failing_shard_says_why_in_the_run_folder_and_is_forgotten_when_it_is_done(round_file, tmp_path):
    inference(str(round_file), sample="new_samples", dry_run=True)
    (folder,) = run_folders(round_file)
    blocked = folder.output_path("positive", 2)
    blocked.mkdir(parents=True)
    (blocked / "in the way").touch()
    with pytest.raises(IsADirectoryError):
        inference(str(round_file), sample="new_samples")
    (failure,) = read_failures(folder)
    assert (failure.shard, failure.cause) == (2, "IsADirectoryError")
    assert read_running(folder) == []
    (blocked / "in the way").unlink()
    blocked.rmdir()
    inference(str(round_file), sample="new_samples")
    assert read_failures(folder) == []
    assert folder.manifest_path.is_file()


def test_mlflow_hears_of_a_run_once_also_where_it_was_away(round_file, monkeypatch):
    inference(str(round_file), sample="new_samples")
    (folder,), round_ = run_folders(round_file), read_round(round_file)
    manifest = read_manifest(read_plan(folder), folder)
    record = tracking_record(inferences_folder(round_.work_path, round_.name), folder.path.name)
    assert read_run_record(record).told
    record.unlink()
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
        assert not log_inference(round_, folder, manifest)
    assert record in set(tracking_records(round_.work_path, round_.name))
    assert read_run_record(record).told is None
    told = tell(record)
    mlflow = MlflowClient(tracking_uri())
    (run,) = mlflow.search_runs([told.experiment_id], f"tags.`winnow.run_id` = '{manifest['run_id']}'")
    assert run.info.run_id == told.run_id
    assert run.data.metrics["rows/in"] == manifest["counts"]["rows_in"]
    assert run.data.params["sample"] == "new_samples"
    assert run.info.end_time - run.info.start_time == int(manifest["timings"]["last_launch"]["seconds"] * 1000)
    assert str(folder.path) in run.data.tags["mlflow.note.content"]
    (data,) = run.inputs.dataset_inputs
    assert [(tag.key, tag.value) for tag in data.tags] == [("mlflow.data.context", "inference")]


@pytest.mark.drill
def test_a_sample_of_gzipped_csv_and_one_of_json_lines_are_scored_to_the_last_row(round_file, tmp_path):
    texts = ["good", "", 'a "quoted" text, with a comma', "two\nlines", "good"]
    (tmp_path / "csv").mkdir()
    with gzip.open(tmp_path / "csv" / "part-0.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tweet_id", "text", "other"])
        writer.writerows([f"00{number}", text, 1] for number, text in enumerate(texts))
    lines = [{"tweet_id": 2**63 - 1 - number, "text": text} for number, text in enumerate([*texts, None])]
    (tmp_path / "tweets.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    content = yaml.safe_load(round_file.read_text())
    content["samples"] |= {"csv": {"path": "csv/*.csv.gz"}, "lines": {"path": "tweets.jsonl"}}
    round_file.write_text(yaml.safe_dump(content))
    for sample in ("csv", "lines"):
        inference(str(round_file), sample=sample)
    ids = [_scores(folder)["tweet_id"].to_pylist() for folder in run_folders(round_file)]
    assert ids == [[f"00{number}" for number in range(5)], [2**63 - 1 - number for number in range(5)]]
    counts = [json.loads(folder.manifest_path.read_text())["counts"] for folder in run_folders(round_file)]
    assert [(each["rows_in"], each["rows_quarantined"], each["duplicate_texts"]) for each in counts] == [
        (5, 0, 1), (6, 1, 1),
    ]  # fmt: skip


def test_a_screened_run_draws_certifies_and_scores_what_passes(round_file, tmp_path):
    content = yaml.safe_load(round_file.read_text())
    content["inference"] |= {"screening": EASY, "shard_rows": 600}
    content["samples"]["new_samples"] = {"path": str(write_sample(tmp_path / "pool", 3_000))}
    round_file.write_text(yaml.safe_dump(content))
    inference(str(round_file), sample="new_samples")
    (folder,) = run_folders(round_file)
    manifest = json.loads(folder.manifest_path.read_text())
    name = read_round(round_file).name
    assert "At 80 % confidence at least 80 %" in Artifact.get(f"{name}-main-new-samples-certificate").description
    assert manifest["counts"]["rows_in"] == 3_000
    for said in manifest["screening"]["labels"].values():
        assert sum(said["stages"].values()) == 3_000 - manifest["counts"]["rows_quarantined"]
        assert said["stages"]["drawn"] > 300
    mlflow = MlflowClient(tracking_uri())
    experiment = mlflow.get_experiment_by_name(name).experiment_id
    (logged,) = mlflow.search_runs([experiment], "tags.`winnow.kind` = 'screening'")
    assert logged.data.metrics["positive/rows_drawn"] == manifest["screening"]["labels"]["positive"]["stages"]["drawn"]
    certified = folder.certificate_path.read_bytes()
    folder.receipt_path(0).unlink()
    inference(str(round_file), sample="new_samples")
    assert folder.certificate_path.read_bytes() == certified
    certificate = read_certificate(folder.certificate_path)
    blind = {label: replace(said, threshold=1e9) for label, said in certificate.labels.items()}
    write_certificate(folder.certificate_path, replace(certificate, labels=blind))
    content["inference"]["screening"] = EASY | {"on_broken_promise": "score_all"}
    round_file.write_text(yaml.safe_dump(content))
    inference(str(round_file), sample="new_samples")
    screened, whole = sorted(run_folders(round_file), key=lambda run: run.certificate_path.exists(), reverse=True)
    assert json.loads(screened.manifest_path.read_text())["screening"]["verdict"] == "promise not kept"
    counts = json.loads(whole.manifest_path.read_text())["counts"]
    assert set(counts["rows_out"].values()) == {3_000 - counts["rows_quarantined"]}
    assert "-p screened=false" in continue_command(read_plan(whole), whole)
