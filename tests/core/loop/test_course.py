"""A round's course: which steps count as done, how it ends, and what its file bears."""

from dataclasses import replace

import pytest

from tasks.core.base.errors import FormatError
from tasks.core.base.naming.work_places import course_file
from tasks.core.loop.course import (
    COURSE,
    Course,
    Standing,
    failed,
    finished,
    is_done,
    read_course,
    summary,
    write_course,
)

STANDING = Standing("inputs-1", {"positive": "version 1"}, "us.positive")
DONE = finished("training", STANDING, skipped=False, link="http://prefect/1")


def test_a_step_is_done_while_what_it_follows_from_and_what_it_made_are_as_they_were():
    assert is_done(DONE, STANDING)
    assert not is_done(None, STANDING)
    assert not is_done(DONE, replace(STANDING, inputs="inputs-2"))
    assert not is_done(DONE, replace(STANDING, made={"positive": "version 2"}))
    assert not is_done(DONE, replace(STANDING, made={"positive": ""}))
    assert not is_done(finished("x", replace(STANDING, made={}), skipped=False, link=""), replace(STANDING, made={}))


@pytest.mark.parametrize(("state", "done"), [("waits", True), ("refused", True), ("failed", False)])
def test_what_waits_or_was_refused_is_done_until_its_inputs_change_and_what_failed_is_not(state, done):
    standing = replace(STANDING, state=state)
    assert is_done(finished("evaluation", standing, skipped=False, link=""), standing) is done


def test_a_failure_is_on_record_with_its_reason():
    record = failed("training", ValueError("the disk is full"), "")
    assert (record.state, record.said) == ("failed", "ValueError: the disk is full")
    assert not is_done(record, STANDING)


def test_a_course_keeps_the_order_of_its_steps_and_ends_where_its_last_run_did():
    names = ["training", "conversion", "sampling"]
    course = Course("us-iter0", "main", "")
    for name in names:
        course = course.with_step(finished(name, STANDING, skipped=False, link=""))
    again = finished("conversion", STANDING, skipped=True, link="")
    course = course.with_step(again)
    assert [record.name for record in course.steps] == names
    assert course.steps[1].skipped
    assert [record.name for record in course.ended_at(again, "Failed").steps] == names[:2]


def test_what_is_written_is_read_and_a_torn_file_is_none(tiny_round):
    course = Course(tiny_round.name, "main", "Completed. all", [DONE])
    write_course(tiny_round, course)
    assert read_course(tiny_round, "main") == course
    assert read_course(tiny_round, "other").steps == []
    path = course_file(tiny_round.work_path, tiny_round.country, tiny_round.name)
    path.write_text(path.read_text()[:40])
    assert read_course(tiny_round, "main").steps == []


def test_a_newer_format_is_refused(tiny_round):
    write_course(tiny_round, Course(tiny_round.name, "main", ""))
    path = course_file(tiny_round.work_path, tiny_round.country, tiny_round.name)
    path.write_text(path.read_text().replace('"format": 1', f'"format": {COURSE.number + 1}'))
    with pytest.raises(FormatError):
        read_course(tiny_round, "main")


def test_the_summary_says_how_it_ended_and_what_was_skipped():
    record = replace(DONE, skipped=True, said="a | b")
    told = summary(Course("us-iter0", "main", "Completed. all", [record]))
    assert told.startswith("**us-iter0**: Completed. all")
    assert "done, skipped" in told
    assert r"a \| b" in told
    assert "[training](http://prefect/1)" in told
