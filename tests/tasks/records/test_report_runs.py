"""The page of a round on a real MLflow server."""

import uuid

from mlflow.tracking import MlflowClient

from tasks.core.report.report_page import write_report
from tasks.records.report_runs import log_report
from tasks.records.tracked_run import LONGEST_EXPERIMENT_TAG
from tasks.records.tracking import find_experiment


def test_a_note_of_hundreds_of_labels_is_taken(tracking):
    experiment = find_experiment(f"x{uuid.uuid4().hex[:8]}")
    experiment.describe("many labels" + "x" * LONGEST_EXPERIMENT_TAG)
    assert experiment.tags["mlflow.note.content"].startswith("many labels")


def test_a_rounds_page_lies_on_one_run_however_often_it_is_logged(tiny_round, tracking):
    page = write_report(tiny_round)
    address = log_report(tiny_round, page)
    assert log_report(tiny_round, page) == address
    assert address.startswith(f"{tracking.rstrip('/')}/#/experiments/")
    run_id = address.partition("?")[0].rpartition("/")[2]
    assert [file.path for file in MlflowClient().list_artifacts(run_id)] == ["report.html"]
