"""`winnow status` and `winnow verify` as a person types them; no server is up."""

import json
import os
import shutil

import pytest

from deployments.commands.status import LONGEST_MESSAGE, describe
from tasks.core.base.durations import duration
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.status.markers import LONGEST_MESSAGE as LONGEST_MARKED
from tasks.core.runs.status.read_status import read_status
from tests.support.commands import assert_taught
from tests.support.run_marks import HOST, begin, fail

COMMAND = "prefect deployment run inference/us-iter0 -p sample=evaluation -p run_name=main"


def test_status_of_a_halted_run(winnow, halted):
    done = winnow("status", str(halted.path))
    assert (done.returncode, done.stderr) == (1, "")
    assert "3: 1 done, 0 running, 1 failed, 1 waiting" in done.stdout
    assert "40 of 97 done (41.2%)" in done.stdout
    assert "failed: OSError on 1 shard: 00001\n" in done.stdout
    assert "on far-7" in done.stdout
    assert "its worker is gone:\n  " in done.stdout
    assert done.stdout.endswith(f"to go on where it stopped:\n  {COMMAND}\n")


def test_status_of_a_finished_run_given_by_a_relative_path(winnow, finished):
    done = winnow("status", finished.path.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "finished: 97 rows in, 2 quarantined; out: positive 95, negative 95\n  duplicate_texts 2" in done.stdout
    assert COMMAND not in done.stdout


def test_status_as_json(winnow, halted):
    done = winnow("status", str(halted.path), "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, content["finished"], content["command"]) == (1, False, COMMAND)
    assert [content[state] for state in ("done", "running", "failed", "waiting")] == [1, 0, 1, 1]
    assert content["failures"][0]["first_shards"] == [1]
    assert content["left_shards"][0]["shard"] == 2


def test_verify_of_a_sound_run(winnow, finished):
    (finished.path / "output" / ".part-00000.parquet.0a1b.tmp").write_text("")
    done = winnow("verify", finished.path.name)
    assert (done.returncode, done.stderr) == (0, "")
    left_over, summary = done.stdout.splitlines()
    assert left_over.startswith("left-over   output/.part-00000.parquet.0a1b.tmp: ")
    assert summary.startswith("sound (1 left-over): run ")
    assert summary.endswith("97 rows in, 2 quarantined; out: positive 95, negative 95")


def test_verify_of_an_unsound_run(winnow, finished):
    os.truncate(finished.output_path("positive", 1), 100)
    finished.output_path("negative", 2).unlink()
    done = winnow("verify", str(finished.path))
    assert done.returncode == 1
    torn, missing, _, command, summary = done.stdout.splitlines()
    assert torn.startswith("torn        output/positive/part-00001.parquet: it cannot be read as Parquet")
    assert missing.startswith(
        "missing     output/negative/part-00002.parquet: the file is not there. Delete receipts/00002"
    )
    assert command.strip() == COMMAND
    assert summary.startswith("NOT SOUND (1 torn, 1 missing): run ")


def test_verify_of_a_run_at_work_says_so(winnow, make_named_run):
    _, folder = make_named_run(score=False)
    with launch_lock(folder.path):
        done = winnow("verify", str(folder.path))
    assert done.returncode == 1
    assert f"a launch is at work (process {os.getpid()} on {HOST})" in done.stdout


def test_verify_as_json(winnow, finished):
    shutil.rmtree(finished.path / "quarantine")
    done = winnow("verify", str(finished.path), "--json")
    content = json.loads(done.stdout)
    assert (done.returncode, content["sound"], content["files"], content["rows_in"]) == (1, False, 7, 97)
    (finding,) = content["findings"]
    assert (finding["kind"], finding["path"], finding["is_error"]) == ("missing", "quarantine/part-00002.parquet", True)
    assert json.loads(winnow("verify", str(finished.path.parent / "nowhere"), "--json").stdout or "null") is None


@pytest.mark.parametrize("command", ["status", "verify"])
def test_a_path_that_is_no_run_folder_is_taught(winnow, command, tmp_path):
    assert_taught(winnow(command, str(tmp_path)), "is no run folder: it holds no plan.parquet. Give one such as")
    assert_taught(winnow(command, "nowhere"), "there is no folder")


def test_what_to_do_follows_from_where_the_run_stands(make_named_run):
    plan, folder = make_named_run()
    assert "all shards are done, the manifest is missing" in describe(read_status(folder.path))
    with launch_lock(folder.path):
        shown = describe(read_status(folder.path))
    assert "a launch is at work" in shown
    assert f"process {os.getpid()} on {HOST}" in shown
    write_manifest(plan, folder, Launch(97, 1.0))
    folder.output_path("positive", 0).unlink()
    assert "a manifest stands, but shards are not what it counts" in describe(read_status(folder.path))


def test_shards_that_seem_to_run_without_a_launch_are_said_to_be_in_doubt(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, "far-7", 125)
    assert "running, or left by workers of other hosts that are gone" in describe(read_status(folder.path))
    with launch_lock(folder.path):
        assert "far-7" not in describe(read_status(folder.path)), "no worker is this launch's before it has begun"
        begin(folder, 0, "far-7", 125)
        assert "\nrunning:\n  far-7  shard 00000, for 2 min " in describe(read_status(folder.path))


def test_many_shards_of_one_cause_and_many_at_work_stay_short(make_named_run, monkeypatch):
    _, folder = make_named_run(score=False)
    monkeypatch.setattr("tasks.core.runs.status.failure_groups.FIRST_SHARDS", 1)
    monkeypatch.setattr("deployments.commands.status.LISTED_SHARDS", 1)
    for shard in range(3):
        fail(folder, shard, f"no space for shard {shard}")
        begin(folder, shard, f"far-{shard}")
    shown = describe(read_status(folder.path))
    assert "failed: OSError on 3 shards: 00000, ...\n" in shown
    assert "\n  and 2 more\n" in shown


def test_a_long_message_is_cut_and_terminal_codes_are_not_obeyed(make_named_run):
    _, folder = make_named_run(score=False)
    fail(folder, 0, "red \x1b[31m\n" + "x" * (LONGEST_MARKED - 20))
    shown = describe(read_status(folder.path))
    assert r"red \x1b[31m xxx" in shown
    assert "x" * LONGEST_MESSAGE not in shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (7_500, "2 h 5 min"), (200_000, "2 d 7 h")],
)
def test_durations_have_their_two_largest_units(seconds, expected):
    assert duration(seconds) == expected


def test_status_says_how_slurm_jobs_ended(winnow, halted):
    halted.job_endings_path.parent.mkdir(parents=True)
    line = {"job": "17", "JobState": "TIMEOUT", "Reason": "TimeLimit", "NodeList": "node3", "seen_at": "2026-01-01"}
    halted.job_endings_path.write_text(json.dumps(line) + "\n")
    marker = json.loads(halted.running_path(2).read_text())
    halted.running_path(2).write_text(json.dumps(marker | {"worker": "node3-7", "slurm_job": "17"}))
    done = winnow("status", str(halted.path))
    assert "TIMEOUT 1; the last: SLURM job 17 ended TIMEOUT on node3 (TimeLimit)" in done.stdout
    assert "shard 00002, begun " in done.stdout
    assert "ago; SLURM job 17 ended TIMEOUT" in done.stdout


def test_a_dry_run_is_called_one_and_not_unsound(winnow, make_named_run):
    _, folder = make_named_run(score=False)
    done = winnow("status", str(folder.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"a dry run: it is planned, and nothing was scored. To score it:\n  {COMMAND}" in done.stdout
    done = winnow("verify", str(folder.path))
    assert done.returncode == 1, "what has no scores has none that are sound"
    assert done.stdout.startswith("NOT SCORED\na dry run")
    assert "SOUND" not in done.stdout
    assert json.loads(winnow("verify", str(folder.path), "--json").stdout)["only_planned"] is True


def test_a_run_of_which_a_shard_was_begun_is_no_dry_run(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, "far-7")
    assert "to go on where it stopped" in describe(read_status(folder.path))
