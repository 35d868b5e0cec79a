"""Runs, engine models, seeds, reports and rounds that earlier versions wrote are read whole, or refused by name."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest

from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.formats import read_record
from tasks.core.corpus.labelled.label_report import read_label_report
from tasks.core.engines.canaries import read_canaries
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference
from tasks.core.round.round_file import read_round
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, read_manifest, write_manifest
from tasks.core.runs.parts import read_part
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.receipts import read_receipt, read_receipts
from tasks.core.runs.shards.wholeness import STATUS, is_whole
from tasks.core.runs.status.read_status import read_status
from tasks.core.training.seeds.seed_plan import SEED_RESULT, verify_checkpoint
from tasks.core.training.trainer.checkpoint import read_card
from tests.support.plans import plan_of
from tests.support.written_before import VERSIONS, copy_of, only

TEXTS = ["good word1 word2", "bad word3", "", "word5 " * 60]


@pytest.fixture(params=VERSIONS)
def before(request, tmp_path):
    """The files of a version, in a folder that may be changed."""
    return copy_of(request.param, tmp_path)


@pytest.fixture
def folder(before):
    return RunFolder(only(before / "runs"))


def test_a_finished_run_is_read_to_its_last_count(folder):
    plan = read_plan(folder)
    assert plan.run_id in folder.path.name
    assert all(is_whole(plan, folder, shard, receipt, STATUS) for shard, receipt in read_receipts(plan, folder))
    status = read_status(folder.path)
    assert status.is_finished
    assert (status.done, status.rows_done, status.counts["rows_out"]["positive"]) == (3, 58, 56)
    assert status.command.startswith("prefect deployment run inference/us-iter0")
    assert read_manifest(plan, folder)["settings"]["scoring_version"] == plan.inputs.scoring_version


def test_a_finished_run_is_sound(folder):
    assert list(Verification(folder.path).findings()) == []


def test_its_shards_are_taken_over_and_are_what_scoring_gives_now(before, folder, tmp_path, monkeypatch):
    then = read_plan(folder).inputs.libraries  # as if none had been updated since
    monkeypatch.setattr("tasks.core.runs.plan.library_versions", lambda: then)
    monkeypatch.setattr("tasks.core.engines.libraries.library_versions", lambda: then)
    engines = {path.name: read_engine_model(path) for path in (before / "engines").iterdir()}
    ordered = {use.label: engines[use.label] for use in read_plan(folder).engines}
    settings = Inference(output_path=before / "runs", shard_rows=20, batch_tokens=512)
    plan = plan_of(Sample(path=before / "texts"), ordered, settings)
    now = RunFolder(before / "runs" / folder.path.name.replace(read_plan(folder).run_id, plan.run_id))
    scored = RunFolder(tmp_path / "scored")
    for place in (now, scored):
        write_plan(plan, place)
    assert adopt_shards(plan, now, [0, 1, 2]) == {0, 1, 2}
    assert read_receipt(folder, 0).score_counts == {}
    assert read_receipt(now, 0).score_counts.keys() == set(ordered)
    for shard in plan.shards:
        score_shard(plan, shard, scored)
    counts = [write_manifest(plan, place, Launch(58, 1.0))["counts"] for place in (now, scored)]
    assert counts[0] == counts[1]
    for label in ordered:
        for number in range(3):
            mine, again = (read_part(place.output_path(label, number)) for place in (now, scored))
            assert mine["tweet_id"] == again["tweet_id"]
            np.testing.assert_allclose(mine["score"].to_numpy(), again["score"].to_numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("label", ["positive", "negative"])
def test_an_engine_model_scores_as_it_did(before, label):
    model, _ = open_engine(str(before / "engines" / label))  # canaries and all
    assert model.label == label


@pytest.mark.slow
def test_a_registered_model_loads_with_mlflow(before):
    folder = before / "engines" / "positive"
    assert "tasks.core.inference.pyfunc" in (folder / "MLmodel").read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow names packages whose versions differ
        model = mlflow.pyfunc.load_model(str(folder))
    scores = model.predict(TEXTS)["probability"]
    assert len(scores) == len(TEXTS)
    assert scores.between(0, 1).all()


def test_a_finished_seed_is_believed(before):
    folder = only(before / "seeds")
    result = SEED_RESULT.schema(**read_record(folder / "result.json", SEED_RESULT))
    assert folder.name == f"seed-{result.seed}-{result.config_hash}"
    verify_checkpoint(folder, result.checkpoint_sha256)
    assert read_card(folder).labels == ("positive",)


def test_a_report_of_labelled_data_is_read(before):
    (path,) = (before / "splits").glob("*.report.json")
    report = read_label_report(path)
    assert sum(report["rows"].values()) + sum(report["left_out"].values()) == report["rows_read"]


def test_a_round_file_is_read(before):
    assert read_round(before / "us-iter0.yaml").name == "us-iter0"


def newer(path: Path) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"format": 99, "written_by": "9.0.0"}))


@pytest.mark.parametrize("name", ["receipts/00001.json", "manifest.json", "resources.json"])
def test_files_of_a_newer_version_are_refused_with_it_and_not_scored_again(folder, name):
    newer(folder.path / name)
    with pytest.raises(FormatError, match=r"is of format 99, written by Winnow 9\.0\.0"):
        read_status(folder.path)


def test_shards_of_a_newer_version_are_not_taken_over_and_stop_no_launch(before, folder, tmp_path):
    newer(folder.path / "receipts" / "00000.json")
    plan = read_plan(folder)
    inputs = replace(plan.inputs, limit=40)
    later = replace(
        plan, inputs=inputs, run_id=inputs.run_id, shards=plan.shards[:2], sample_root=str(before / "texts")
    )
    place = RunFolder(folder.path.with_name(folder.path.name.replace(plan.run_id, later.run_id)))
    write_plan(later, place)
    assert adopt_shards(later, place, [0, 1]) == set()


@pytest.mark.parametrize("name", ["receipts/00001.json", "manifest.json"])
def test_verify_names_files_of_a_newer_version_and_goes_on(folder, name):
    newer(folder.path / name)
    cut = folder.path / "receipts" / "00002.json"
    cut.write_text("{")
    found = {finding.path: finding for finding in Verification(folder.path).findings()}
    assert "written by Winnow 9.0.0" in found[name].problem
    assert found["receipts/00002.json"].kind == "torn"


def test_a_torn_record_of_resources_says_what_to_do(folder):
    (folder.path / "resources.json").write_text('{"cluster": ')
    with pytest.raises(TornRecordError, match="Delete it, and give cluster, memory and time by hand"):
        read_status(folder.path)


@pytest.mark.parametrize("read", [read_engine_model, read_canaries])
def test_an_engine_model_of_a_newer_version_is_refused(before, read):
    for path in ((before / "engines" / "positive") / name for name in ("engine.json", "canaries.json")):
        newer(path)
    with pytest.raises(FormatError, match=r"is of format 99, written by Winnow 9\.0\.0"):
        read(before / "engines" / "positive")
