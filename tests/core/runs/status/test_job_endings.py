import json

import pytest

from tasks.core.runs.folder import RunFolder
from tasks.core.runs.status.job_endings import as_ending, group_endings, read_endings


def line(job, state, seen, **fields):
    return {"job": job, "seen_at": f"2026-01-01T00:00:{seen:02}+0000", "JobState": state, **fields}


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.job_endings_path.parent.mkdir(parents=True)
    lines = [
        line("11", "TIMEOUT", 1, Reason="TimeLimit", ExitCode="0:15", NodeList="node3"),
        line("12", "NODE_FAIL", 2, Reason="None"),
        line("13", "TIMEOUT", 3, NodeList="node1"),
    ]
    folder.job_endings_path.write_text("".join(json.dumps(each) + "\n" for each in lines) + '{"job": "14", "Job')
    return folder


def test_endings_are_read_in_their_order_without_a_line_that_is_being_written(folder):
    endings = read_endings(folder)
    assert [ending.job for ending in endings] == ["11", "12", "13"]
    assert str(endings[0]) == "SLURM job 11 ended TIMEOUT on node3 (TimeLimit, exit code 0:15)"
    assert str(endings[1]) == "SLURM job 12 ended NODE_FAIL"


def test_endings_are_grouped_by_state_the_most_frequent_first(folder):
    groups = group_endings(read_endings(folder))
    assert [(group.state, group.jobs, group.last.job) for group in groups] == [
        ("TIMEOUT", 2, "13"),
        ("NODE_FAIL", 1, "12"),
    ]


def test_a_job_that_slurm_forgot_ended_nobody_knows_how():
    assert str(as_ending({"job": "9"})) == "SLURM job 9 ended unknown"


def test_a_run_without_slurm_has_no_endings(tmp_path):
    assert read_endings(RunFolder(tmp_path)) == []
