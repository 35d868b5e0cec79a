"""A certificate says what was drawn, bounded and promised, and comes back as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tasks.core.base.errors import FormatError, InputDataError, TornRecordError
from tasks.core.base.formats import write_record
from tasks.core.screening.certificate import CERTIFICATE, Certificate, read_certificate, write_certificate
from tasks.core.screening.certify import Drawn, certify_label, top_from
from tasks.core.screening.joint_path import JointPath, StageCosts
from tasks.core.screening.promise import Promise
from tests.support.simulated import COSTS, COSTS1, draw_three, population

PROMISE = Promise(0.02, 0.95, 0.95)


@pytest.fixture(scope="module")
def pool():
    return population(0)


@pytest.fixture(scope="module")
def label(pool):
    return certify_label(*draw_three(pool, PROMISE, np.random.default_rng(1)), PROMISE, COSTS)


def certificate(label):
    drawn = {"fit": 8_000, "choose": 8_000, "audit": 1_000, "calibrate": 4_000}
    return Certificate("us-iter0", 300_000, "rows", drawn, 0.02, 0.95, 0.95, False, {"lost_job": label})


def test_it_says_what_is_promised_in_one_sentence(label):
    assert label.promise == (
        "At 95 % confidence at least 95 % of the texts of this pool (rows) whose expert score is at least "
        f"{label.top_from:.6g} reach the expert."
    )
    assert label.off == ""
    assert label.misses == label.misses_allowed < label.top_texts_calibrate * 0.05
    assert label.top_share_fit == pytest.approx(0.02, rel=0.01)
    assert abs(label.top_share_calibrate - 0.02) < 0.01
    assert 1 == label.reaching[0] > label.reaching[1] > label.reaching[2] > 0.02


def test_the_share_that_passes_is_that_of_the_pool(pool, label):
    passed = (JointPath(label.offsets).settings(pool.stages) >= label.threshold).mean()
    assert passed == pytest.approx(label.reaching[-1], rel=0.2)


def test_it_comes_back_as_it_was(label, tmp_path):
    path = tmp_path / "certificate.json"
    for said in (label, replace(label, offsets=(None, 0.0), threshold=None, misses=None)):
        write_certificate(path, certificate(said))
        assert read_certificate(path) == certificate(said)
    assert "Infinity" not in path.read_text()


@pytest.mark.parametrize(
    ("old", "new", "error", "problem"),
    [
        ('"format": 1', '"format": 2', FormatError, "is of format 2"),
        ('"pool": 300000', '"pool": 300001', TornRecordError, "altered"),
        ("{", "", TornRecordError, "cannot be read as a screening certificate"),
    ],
)
def test_a_newer_altered_or_torn_one_is_refused(label, tmp_path, old, new, error, problem):
    path = tmp_path / "certificate.json"
    write_certificate(path, certificate(label))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(error, match=problem):
        read_certificate(path)


@pytest.mark.parametrize("changes", [{"counted": "words"}, {"labels": {"a": {"off": ""}}}, {"labels": {"a": 3}}])
def test_one_that_says_nonsense_is_torn(label, tmp_path, changes):
    path = tmp_path / "certificate.json"
    write_certificate(path, certificate(label))
    said = {k: v for k, v in json.loads(path.read_text()).items() if k not in ("format", "written_by", "checksum")}
    write_record(path, CERTIFICATE, {**said, **changes})
    with pytest.raises(TornRecordError):
        read_certificate(path)


def few(pool, size):
    rows = np.random.default_rng(1).integers(0, len(pool.expert), size)
    return pool.drawn(rows)


def test_too_few_top_texts_switch_a_label_off_with_why(pool):
    draw = few(pool, 1_000)
    said = certify_label(draw.expert, draw, draw, PROMISE, COSTS)
    assert "the calibration draw holds 20 top texts, and the bound needs 59" in said.off
    assert (said.threshold, said.promise, said.reaching) == (None, "", (1.0, 1.0, 1.0))


def test_a_screen_that_saves_nothing_is_switched_off_with_why():
    blind = population(4, unseen=1.0).only(0)
    said = certify_label(*draw_three(blind, PROMISE, np.random.default_rng(0)), PROMISE, StageCosts((5e-3,), 37e-3))
    assert "it would pass 9" in said.off
    assert "times what the expert alone does" in said.off


def test_an_expert_that_says_one_thing_has_all_for_its_top():
    same = Drawn(np.full(5_000, -3.0), np.random.default_rng(0).normal(size=(5_000, 1)))
    said = certify_label(same.expert, same, same, PROMISE, COSTS1)
    assert (said.top_share_fit, said.top_share_calibrate) == (1.0, 1.0)
    assert said.reaching[-1] > 0.94


@pytest.mark.parametrize(("expert", "problem"), [([], "0 expert scores"), ([1.0, np.nan], "1 of them no finite")])
def test_where_the_top_begins_needs_scores(expert, problem):
    with pytest.raises(InputDataError, match=problem):
        top_from(np.array(expert), 0.01)


def test_the_top_holds_what_ties_with_its_last():
    assert top_from(np.array([1.0, 2, 3, 3, 3, 4]), 0.3) == 3.0
    assert top_from(np.arange(10.0), 0.001) == 9.0
