"""A round with a finished run of texts whose scores are known."""

import shutil
from dataclasses import replace

import pytest

from tasks.core.runs.plan_file import write_plan
from tests.support.ranked_runs import run_of_texts
from tests.support.round_files import write_labelled, write_round
from tests.support.scored_runs import ENGINE


@pytest.fixture
def ranked_round(tmp_path):
    """The run of texts of a round whose file lies where the current folder's rounds do; its data has a text of it."""
    run = run_of_texts(tmp_path)
    write_plan(replace(run.plan, round_name="us-iter0"), run.folder)
    write_labelled(tmp_path / "labelled.parquet")
    samples = {name: {"path": str(run.sample.path)} for name in ("evaluation", "new_samples")}
    labels = {"positive": "positive", "negative": "negative", "neutral": None}
    path = write_round(tmp_path, ENGINE, samples=samples, labels=labels, work_path=str(tmp_path / "work"))
    rounds = tmp_path / "deployments" / "rounds"
    rounds.mkdir(parents=True)
    shutil.move(path, rounds)
    return run
