"""Mistakes of those who begin, once a server is up: how a run ended says what to do."""

import json

import pytest

from tests.support.commands import assert_taught
from tests.support.round_files import write_round
from tests.support.stack_clients import PrefectApi


@pytest.fixture(scope="module")
def round_file(run, tmp_path_factory, tiny_bert):
    """A deployed round of which nothing was trained."""
    path = write_round(tmp_path_factory.mktemp("mistakes"), tiny_bert, country="BE")
    done = run("winnow", "deploy", str(path))
    assert done.returncode == 0, done.stderr
    return path


def ended(run, settings, *words):
    """Run the inference, and return the message of the state in which it ended."""
    done = run("prefect", "deployment", "run", "inference/be-iter0", "--watch", *words)
    assert done.returncode != 0
    listed = json.loads(run("prefect", "flow-run", "ls", "--output", "json", "--flow-name", "inference").stdout)
    return PrefectApi(settings).state(listed[0]["id"])["message"]


def test_inference_before_conversion(run, settings, round_file):
    assert "Run: prefect deployment run conversion/be-iter0" in ended(run, settings)
    done = run("winnow", "predict", "--round", str(round_file), "--label", "positive")
    assert_taught(done, "Run: prefect deployment run conversion/be-iter0")


def test_a_sample_that_the_round_does_not_have(run, settings, round_file):
    assert "has no sample 'eval'; it has: evaluation" in ended(run, settings, "-p", "sample=eval")
