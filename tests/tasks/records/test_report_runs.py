"""The page of a round on a real MLflow server."""

from mlflow.tracking import MlflowClient

from tasks.core.report.report_page import write_report
from tasks.records.report_runs import log_report


def test_a_rounds_page_lies_on_one_run_however_often_it_is_logged(tiny_round, tracking):
    page = write_report(tiny_round)
    address = log_report(tiny_round, page)
    assert log_report(tiny_round, page) == address
    assert address.startswith(f"{tracking.rstrip('/')}/#/experiments/")
    run_id = address.partition("?")[0].rpartition("/")[2]
    assert [file.path for file in MlflowClient().list_artifacts(run_id)] == ["report.html"]
