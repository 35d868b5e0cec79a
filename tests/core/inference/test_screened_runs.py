from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import list_parts, read_part
from tests.support.screened_runs import TEXTS, score, screen, screened_plan

LABELS = ("positive", "negative")


@pytest.fixture(scope="module")
def screened(tiny_engines, tmp_path_factory):
    """A finished run with screening, its certificate and its manifest."""
    root = tmp_path_factory.mktemp("screened")
    plan = screened_plan(root, tiny_engines)
    folder = RunFolder(root / f"iter_0-main-{plan.run_id}-evaluation")
    certificate = screen(plan, folder)
    return plan, folder, certificate, score(plan, folder)


@pytest.fixture(scope="module")
def unscreened(screened, tmp_path_factory):
    """The same sample, scored in full."""
    plan = screened[0]
    inputs = replace(plan.inputs, screening=None)
    whole = replace(plan, inputs=inputs, run_id=inputs.run_id)
    folder = RunFolder(tmp_path_factory.mktemp("unscreened") / "run")
    score(whole, folder)
    return whole, folder


def rows_of(plan, folder, label):
    return pa.concat_tables([read_part(path) for path in list_parts(plan, folder, label)])


@pytest.mark.parametrize("label", LABELS)
def test_every_row_is_there_once_with_the_stage_that_gave_its_score(screened, unscreened, label):
    plan, folder, _, manifest = screened
    found, whole = rows_of(plan, folder, label), rows_of(*unscreened, label)
    assert found["tweet_id"].equals(whole["tweet_id"])
    scores, stages = found["score"].to_numpy(), np.array(found["stage"].to_pylist())
    by_expert = stages != "ngrams"
    assert np.allclose(scores[by_expert], whole["score"].to_numpy()[by_expert], atol=1e-6)
    assert (scores[~by_expert] < 0).all()
    assert (scores[~by_expert] >= -1).all()
    assert scores[by_expert].min() > scores[~by_expert].max(initial=-1)
    counted = manifest["screening"]["labels"][label]["stages"]
    assert counted == {stage: int((stages == stage).sum()) for stage in set(stages)}
    assert sum(counted.values()) == TEXTS - 1


def test_the_certificate_promises_and_the_run_keeps_it(screened, unscreened):
    plan, folder, certificate, manifest = screened
    for label in LABELS:
        said = certificate.labels[label]
        assert not said.off
        assert "At 80 % confidence at least 80 % of the texts of this pool (rows)" in said.promise
        stages = np.array(rows_of(plan, folder, label)["stage"].to_pylist())
        top = rows_of(*unscreened, label)["score"].to_numpy() >= said.top_from
        assert (stages[top] != "ngrams").mean() >= 0.8
    assert manifest["screening"]["verdict"] in {"promise kept", "promise cannot be told"}
    assert "core-hours instead of" in manifest["screening"]["cost"]["sentence"]


def test_a_screened_run_verifies(screened):
    assert [str(finding) for finding in Verification(screened[1].path).findings()] == []
