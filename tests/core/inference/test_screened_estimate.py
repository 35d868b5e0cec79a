"""What a screened run is estimated to cost: by which stages, and by which share of the rows that pass them."""

from dataclasses import replace

import pytest

from tasks.core.inference.estimate import estimate
from tasks.core.inference.measuring import measure
from tasks.core.inference.passing import expected_passing
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import write_plan
from tasks.core.screening.certificate import read_certificate, write_certificate
from tests.support.screened_runs import copy_of, screen, screened_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certified(tiny_engines, tmp_path_factory):
    """A certified run whose experts' engine models are its students, too."""
    root = tmp_path_factory.mktemp("certified")
    plan = screened_plan(root, tiny_engines, students=tiny_engines)
    folder = RunFolder(root / f"iter_0-main-{plan.run_id}-evaluation")
    return plan, folder, screen(plan, folder)


def with_promise(plan, **asked):
    inputs = replace(plan.inputs, screening=replace(plan.inputs.screening, **asked))
    return replace(plan, inputs=inputs, run_id=inputs.run_id)


def of_many_rows(plan):
    """Return a plan of a hundred million rows, which are not there."""
    return replace(plan, shards=(replace(plan.shards[0], start=0, stop=100_000_000),))


def test_the_students_time_is_in_the_estimate_and_it_says_what_is_taken_to_pass(certified, tmp_path):
    plan, folder = certified[0], RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    measured = measure(plan, folder, plan.shards[0])
    assert "nothing was measured for so large a top" in measured.passing
    assert "100.00% reach an expert, 100.00% the student" in measured.passing
    assert measured.seconds_a_row > 1.3 * measured.unscreened_seconds_a_row  # all is read by the student, too
    found = estimate(plan, folder, [0, 1], measured, 1)
    seconds = found.rows * measured.seconds_a_row + found.drawn_rows * measured.unscreened_seconds_a_row
    assert found.core_hours == pytest.approx(seconds * measured.threads / 3600)
    assert f"about {found.drawn_rows:,} drawn rows are scored first; without screening" in found.lines()
    assert found.lines().endswith(measured.passing)


def test_a_torn_certificate_keeps_no_launch_from_being_estimated(certified, tmp_path):
    plan, folder = copy_of(certified, tmp_path)
    with folder.certificate_path.open("a") as torn:
        torn.write("x")
    measured = measure(plan, folder, plan.shards[0])
    assert "is not known yet" in measured.passing
    assert estimate(plan, folder, [0], measured, 1).drawn_rows > 0


def test_a_certified_run_is_estimated_by_its_own_certificate(certified):
    plan, folder, certificate = certified
    passing = expected_passing(plan, folder)
    reaching = [said.reaching for said in certificate.labels.values()]
    assert passing.student == pytest.approx(sum(shares[1] for shares in reaching))
    assert sum(shares[2] for shares in reaching) / 2 < passing.expert < 0.5
    assert str(passing).startswith("As the run's certificate says: ")
    measured = measure(plan, folder, plan.shards[0])
    assert measured.seconds_a_row < measured.unscreened_seconds_a_row
    assert estimate(plan, folder, [0], measured, 1).drawn_rows == 0


def test_before_that_by_the_newest_certificate_beside_it_of_the_same_labels_and_promise(certified):
    plan, folder, _ = certified
    later = with_promise(plan, key="another")
    place = RunFolder(folder.path.parent / "later")
    known, taken = expected_passing(plan, folder), expected_passing(later, place)
    assert (taken.student, taken.expert) == (known.student, known.expert)
    assert f"taken to be as the certificate of {folder.path.name} says of the same labels" in str(taken)
    for other in ({"recall": 0.9}, {"top_share": 0.1}, {"students": ()}):
        assert "certificate of" not in str(expected_passing(with_promise(plan, **other), place))


def test_a_certificate_of_other_labels_or_a_torn_one_is_passed_over(certified, tmp_path):
    plan, folder, certificate = certified
    place = RunFolder(tmp_path / "run")
    for name, labels in (("other", {"positive": certificate.labels["positive"]}), ("torn", certificate.labels)):
        beside = RunFolder(tmp_path / name)
        beside.path.mkdir()
        write_certificate(beside.certificate_path, replace(certificate, labels=labels))
    with beside.certificate_path.open("a") as torn:
        torn.write("x")
    assert "certificate of" not in str(expected_passing(plan, place))
    assert read_certificate(folder.certificate_path) == certificate


@pytest.mark.parametrize(("top", "share"), [(0.005, 0.059), (0.001, 0.059), (0.007, 0.062), (0.02, 0.085), (0.03, 1.0)])
def test_else_by_what_was_measured_of_the_next_larger_top_whose_source_it_names(certified, tmp_path, top, share):
    strict = {"top_share": top, "recall": 0.99, "confidence": 0.95}
    plan = of_many_rows(with_promise(certified[0], **strict, students=()))
    passing = expected_passing(plan, RunFolder(tmp_path / "run"))
    assert (passing.student, passing.expert) == (0.0, share)
    assert ("tasks/core/screening/README.md" in str(passing)) is (share < 1)
    assert expected_passing(with_promise(plan, recall=0.999), RunFolder(tmp_path / "run")).expert == 1.0


def test_a_pool_too_small_to_screen_is_estimated_in_full(certified, tmp_path):
    assert expected_passing(with_promise(certified[0], recall=0.99), RunFolder(tmp_path / "run")) is None
