"""Evaluations in a real MLflow server: found again beside the champion, its calibration fetched, force recorded."""

import uuid
from dataclasses import replace

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from scipy.special import expit

from tasks.core.base.errors import EvaluationError, RegistryError
from tasks.core.evaluation.calibration.calibrate import CalibratedModel, calibrate, read_calibration, write_calibration
from tasks.core.evaluation.evaluation_record import EvaluationRecord, write_evaluation
from tasks.core.round.evaluation_section import CalibrationSettings
from tasks.core.round.round_file import read_round
from tasks.records.evaluation_runs import (
    fetch_calibration,
    find_calibration,
    find_champion,
    log_evaluation,
    publish_version,
)
from tasks.records.registry import Registration, find_version, get_version, register_folder
from tasks.records.tracking import tracking_uri
from tests.support.round_files import write_round

pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def versions(tmp_path):
    """Two versions of one model."""
    client = MlflowClient(tracking_uri())
    name = f"x{uuid.uuid4().hex[:8]}.positive"
    run = client.create_run(client.create_experiment(name))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.onnx").write_text("weights")
    return [
        register_folder(Registration(name, alias, folder, run.info.run_id, alias, {}), tmp_path / "copies")
        for alias in ("iter0-onnx", "iter1-onnx")
    ]


@pytest.fixture
def round_(tmp_path):
    country = f"X{uuid.uuid4().hex[:8]}"
    return read_round(write_round(tmp_path, tmp_path, labels={"positive": "positive"}, country=country))


def calibration_of(version):
    log_odds = np.linspace(-4, 4, 200)
    answers = (np.random.default_rng(0).random(200) < expit(log_odds)).astype(float)
    model = CalibratedModel("positive", version.name, version.version, "0123456789ab")
    return calibrate(model, expit(log_odds), answers, CalibrationSettings(bootstraps=50))


def record_of(version, **changes):
    estimate = {"value": 0.9, "low": 0.8, "high": 0.95}
    top = {"rank": 50, "labelled": 20, "precision": estimate, "nothing_labelled": [], "recall": None, "cells": []}
    found = EvaluationRecord(
        label="positive",
        round_name="us-iter0",
        registered_model=version.name,
        version=version.version,
        run_id=uuid.uuid4().hex[:12],
        run_folder="runs/iter_0",
        sample="evaluation",
        sample_digest="0123456789ab",
        rows=1_000,
        asked=40,
        answered=30,
        labels=30,
        unused_labels={},
        reach=1_000,
        tops={"50": top},
        curve=[{"first": 1, "last": 50, "drawn": 20, "labelled": 20, "within": estimate, "down_to": estimate}],
        positives={"value": 60.0, "low": 50.0, "high": 80.0},
        calibration={"threshold": 0.4, "positives": 10, "negatives": 20},
        expansion={"above": {"value": 70.0, "low": 60.0, "high": 90.0}, "precision": estimate, "recall": None},
        seed_sentences=None,
        diversity=None,
        tied_seeds=None,
        bins=[[3, 1_000]],
        drift=None,
        champion_version=None,
        decision="first",
        sentence="becomes champion: there was none",
        checks=[],
        force_reason="",
    )
    return replace(found, **changes)


def leave(round_, record, folder, calibration=None, promotes=True):
    folder.mkdir(exist_ok=True)
    write_evaluation(folder / "evaluation.json", record)
    if calibration is not None:
        write_calibration(folder / "calibration.json", calibration)
    run_id = log_evaluation(round_, record, folder)
    publish_version(record, run_id, promotes)
    return run_id


def test_a_champion_is_found_with_its_evaluation_and_calibration(round_, versions, tmp_path):
    first, second = versions
    assert find_champion(first.name) is None
    calibration, record = calibration_of(first), record_of(first)
    run_id = leave(round_, record, tmp_path / "evaluation", calibration)
    found = find_champion(first.name)
    assert (found.version, found.record) == (first.version, record)
    registered = get_version(first.name, first.version)
    assert registered.tags["champion_before"] == "none"
    assert registered.tags["precision_at_50"] == "0.9 (0.8 to 0.95)"
    (tmp_path / "fetched").mkdir()
    assert read_calibration(fetch_calibration(registered, tmp_path / "fetched")) == calibration
    assert fetch_calibration(get_version(second.name, second.version), tmp_path / "fetched") is None
    run = MlflowClient(tracking_uri()).get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["pool/precision_at_50_low"] == 0.8
    assert run.data.metrics["pool/expansion_high"] == 90


def test_a_refused_version_is_told_so_and_the_champion_stays(round_, versions, tmp_path):
    first, second = versions
    leave(round_, record_of(first), tmp_path / "first")
    refused = record_of(second, decision="refused", sentence="precision at 50 is 0.1", champion_version=first.version)
    leave(round_, refused, tmp_path / "second", promotes=False)
    assert find_version(first.name, "champion").version == first.version
    assert get_version(second.name, second.version).tags["release"] == "precision at 50 is 0.1"


def test_a_version_does_not_replace_a_champion_that_it_was_not_compared_with(round_, versions, tmp_path):
    """Two evaluations run side by side: the second one to end was judged beside no champion."""
    first, second = versions
    leave(round_, record_of(second), tmp_path / "second")
    with pytest.raises(EvaluationError, match=f"meanwhile version {second.version} became champion"):
        leave(round_, record_of(first), tmp_path / "first")
    assert find_version(first.name, "champion").version == second.version
    assert "release" not in get_version(first.name, first.version).tags


def test_force_is_recorded_on_version_and_run(round_, versions, tmp_path):
    first, second = versions
    leave(round_, record_of(first), tmp_path / "first")
    forced = record_of(second, decision="forced", force_reason="labels were wrong", champion_version=first.version)
    run_id = leave(round_, forced, tmp_path / "second")
    tags = find_version(first.name, "champion").tags
    assert (tags["forced_because"], tags["champion_before"]) == ("labels were wrong", first.version)
    assert MlflowClient(tracking_uri()).get_run(run_id).data.tags["forced_because"] == "labels were wrong"


def test_a_reason_for_force_goes_when_the_figures_decide(round_, versions, tmp_path):
    """A version that was forced, lost its place, and was promoted by its figures said for ever that it was forced."""
    first, second = versions
    leave(round_, record_of(first), tmp_path / "first")
    forced = record_of(second, decision="forced", force_reason="labels were wrong", champion_version=first.version)
    run_id = leave(round_, forced, tmp_path / "second")
    stands = replace(forced, decision="stands", force_reason="", champion_version=second.version)
    leave(round_, stands, tmp_path / "second", promotes=False)
    client = MlflowClient(tracking_uri())
    for tags in (get_version(second.name, second.version).tags, client.get_run(run_id).data.tags):
        assert tags["forced_because"] == "labels were wrong"
    for decision in ("refused", "promoted"):
        leave(round_, forced, tmp_path / "second")
        decided = replace(forced, decision=decision, force_reason="", champion_version=second.version)
        assert leave(round_, decided, tmp_path / "second", promotes=decision == "promoted") == run_id
        for tags in (get_version(second.name, second.version).tags, client.get_run(run_id).data.tags):
            assert "forced_because" not in tags


def test_a_precision_that_is_known_no_more_is_taken_back(round_, versions, tmp_path):
    """The round asks for other ranks now, or the answers among the best 50 were withdrawn."""
    version, record = versions[0], record_of(versions[0])
    leave(round_, record, tmp_path / "one")
    unknown = {"50": record.tops["50"] | {"precision": None}, "1000": record.tops["50"]}
    leave(round_, replace(record, tops=unknown), tmp_path / "one")
    tags = get_version(version.name, version.version).tags
    assert [name for name in tags if name.startswith("precision_at_")] == ["precision_at_1000"]


def test_a_champion_that_nobody_evaluated_has_no_record(versions):
    first, _ = versions
    MlflowClient(tracking_uri()).set_registered_model_alias(first.name, "champion", first.version)
    found = find_champion(first.name)
    assert (found.record, found.standing.lacking) == (None, "it was never evaluated")


def test_the_same_run_judged_again_is_the_same_mlflow_run(round_, versions, tmp_path):
    record = record_of(versions[0])
    again = leave(round_, record, tmp_path / "one")
    assert leave(round_, replace(record, answered=31), tmp_path / "one") == again
    assert find_champion(versions[0].name).record.answered == 31


def test_a_calibration_by_labels_that_count_no_more_is_taken_back(round_, versions, tmp_path):
    """The same run judged again: answers were corrected, and too few are left to calibrate by."""
    version = versions[0]
    record = record_of(version)
    leave(round_, record, tmp_path / "one", calibration_of(version))
    (tmp_path / "one" / "calibration.json").unlink()
    leave(round_, replace(record, expansion=None, calibration={"refused": "3 true texts"}), tmp_path / "one")
    registered = get_version(version.name, version.version)
    assert find_calibration(registered) is None
    assert not {"threshold", "expansion"} & registered.tags.keys()
    other = replace(record, run_id="0123456789ab", expansion=None, calibration={"refused": "3 true texts"})
    leave(round_, record, tmp_path / "one", calibration_of(version))
    leave(round_, other, tmp_path / "other")
    assert find_calibration(get_version(version.name, version.version)) is not None


def test_a_version_that_is_gone_is_refused_by_name(versions):
    with pytest.raises(RegistryError, match=f"no version 99 of {versions[0].name}"):
        get_version(versions[0].name, "99")
