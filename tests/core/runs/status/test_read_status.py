import json
import os
import shutil
import subprocess
from dataclasses import asdict, replace

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_json
from tasks.core.base.naming.round_names import seed_version
from tasks.core.base.processes import this_process
from tasks.core.inference.scoring import score_shard
from tasks.core.runs.folder import RunFolder, worker_name
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.open_run import continue_command
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.resources import write_resources
from tasks.core.runs.shards.receipts import read_receipt
from tasks.core.runs.status import signs_of_life
from tasks.core.runs.status.failure_groups import LOG_TAIL_BYTES, even_out
from tasks.core.runs.status.markers import Running, marked
from tasks.core.runs.status.read_status import read_status
from tests.support.records import change_plan
from tests.support.run_marks import HOST, begin, dead_pid, fail, now


def states(status):
    return status.done, status.running, status.failed, status.waiting


def test_a_planned_run_waits(make_named_run):
    _, folder = make_named_run(score=False)
    status = read_status(folder.path)
    assert (status.shards, states(status), status.rows, status.rows_done) == (3, (0, 0, 0, 3), 97, 0)
    assert (status.texts_per_worker_second, status.counts, status.launch) == (None, None, None)
    assert not status.is_finished


def test_every_shard_is_in_one_state(make_named_run):
    plan, folder = make_named_run(score=False)
    score_shard(plan, plan.shards[2], folder)
    begin(folder, 0, "far-7")
    fail(folder, 1, "no space")
    status = read_status(folder.path)
    assert (states(status), status.rows_done) == ((1, 1, 1, 0), 17)
    receipt = read_receipt(folder, 2)
    assert status.texts_per_worker_second == pytest.approx(17 / receipt.seconds, abs=0.1)


def test_a_finished_run_says_its_counts(make_named_run):
    plan, folder = make_named_run()
    assert not read_status(folder.path).is_finished
    write_manifest(plan, folder, Launch(97, 1.0))
    status = read_status(folder.path)
    assert status.is_finished
    assert (status.counts["rows_in"], status.counts["rows_out"]) == (97, {"positive": 95, "negative": 95})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"run_id": "other", "counts": {}}'])
def test_a_torn_or_foreign_manifest_finishes_nothing(make_named_run, content):
    _, folder = make_named_run()
    folder.manifest_path.write_text(content)
    status = read_status(folder.path)
    assert (status.counts, status.is_finished, status.done) == (None, False, 3)


@pytest.mark.parametrize("damage", [os.unlink, lambda path: path.write_bytes(b"x")])
def test_a_finished_run_that_lost_a_file_is_finished_no_more(make_named_run, damage):
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    damage(folder.output_path("negative", 1))
    status = read_status(folder.path)
    assert (states(status), status.is_finished) == ((2, 0, 0, 1), False)


@pytest.mark.parametrize("changes", [{"run_id": "another"}, {"shard": 2}, {"rows_in": 39}])
def test_a_receipt_of_something_else_does_not_count(make_named_run, changes):
    _, folder = make_named_run()
    receipt = replace(read_receipt(folder, 1), **changes)
    write_json(folder.receipt_path(1), asdict(receipt))
    assert states(read_status(folder.path)) == (2, 0, 0, 1)


def test_it_is_read_when_sample_and_models_are_gone(make_named_run, sample):
    _, folder = make_named_run()
    shutil.rmtree(sample.path)
    assert read_status(folder.path).done == 3


def test_running_shards_say_who_and_how_long_and_the_longest_comes_first(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, "far-7", 30)
    begin(folder, 2, "far-8", 300)
    shown = [(one.shard, one.worker, one.is_gone) for one in read_status(folder.path).running_shards]
    assert shown == [(2, "far-8", False), (0, "far-7", False)]
    assert read_status(folder.path).running_shards[0].seconds == pytest.approx(300, abs=10)


def test_a_killed_workers_shard_waits_for_another(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, f"{HOST}-{dead_pid()}", 0)
    begin(folder, 1, f"far-{dead_pid()}")
    with marked(folder, 2):
        status = read_status(folder.path)
    assert [one.shard for one in status.left_shards] == [0]
    assert [one.shard for one in status.running_shards] == [1, 2]
    assert states(status) == (0, 2, 0, 1)


def test_a_killed_worker_that_nobody_waited_for_is_gone_too(make_named_run):
    _, folder = make_named_run(score=False)
    child = subprocess.Popen(["sleep", "60"])
    begin(folder, 0, f"{HOST}-{child.pid}", 0)
    assert read_status(folder.path).left_shards == ()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert [one.shard for one in read_status(folder.path).left_shards] == [0]
    child.wait()


def test_a_pid_that_another_process_got_since_is_not_the_worker(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, worker_name(), seconds_ago=10 * 365 * 86_400)  # as an older version wrote it
    boot, tick = this_process().start.split(".")
    for shard, start in ((1, f"{boot}.{int(tick) - 1}"), (2, f"{boot}.{tick}")):
        write_json(folder.running_path(shard), asdict(Running(shard, worker_name(), now(), None, start)))
    assert [one.shard for one in read_status(folder.path).left_shards] == [0, 1]
    assert [one.shard for one in read_status(folder.path).running_shards] == [2]


def test_markers_of_done_shards_do_not_count(make_named_run):
    _, folder = make_named_run()
    begin(folder, 0, "far-7")
    fail(folder, 1, "before it went well")
    status = read_status(folder.path)
    assert (states(status), status.failures, status.running_shards) == ((3, 0, 0, 0), (), ())


def test_a_marker_that_vanishes_or_is_torn_is_left_out(make_named_run):
    _, folder = make_named_run(score=False)
    begin(folder, 0, "far-7")
    folder.running_path(1).write_text("{")
    folder.running_path(2).symlink_to("nowhere.json")
    assert states(read_status(folder.path)) == (0, 1, 0, 2)


def test_one_cause_on_many_shards_is_one_group(make_named_run):
    _, folder = make_named_run(score=False)
    fail(folder, 0, "[Errno 28] No space left on device: '/data/output/a/.part-00000.parquet.0fe1.tmp'", seconds_ago=9)
    fail(folder, 1, "[Errno 28] No space left on device: '/data/output/b/.part-00001.parquet.99ab.tmp'", seconds_ago=3)
    fail(folder, 2, "shard 2 is another matter", "ValueError")
    first, second = read_status(folder.path).failures
    assert (first.cause, first.shards, first.first_shards, first.shard) == ("OSError", 2, (0, 1), 1)
    assert "part-00001" in first.message
    assert (second.cause, second.pattern, second.first_shards) == ("ValueError", "shard <n> is another matter", (2,))


def test_messages_that_differ_in_more_than_numbers_and_paths_stay_apart():
    assert even_out("a 1.5 in /x/y.z, 3f9a0c") == even_out("a 20.25 in /other/p, 11")
    assert even_out("disk full at 3") != even_out("disk gone at 3")


def test_a_failure_of_the_same_words_and_another_class_stays_apart(make_named_run):
    _, folder = make_named_run(score=False)
    fail(folder, 0, "no", "OSError")
    fail(folder, 1, "no", "ValueError")
    assert [group.cause for group in read_status(folder.path).failures] == ["OSError", "ValueError"]


def test_a_failed_shard_that_is_tried_again_runs_and_keeps_its_failure(make_named_run):
    _, folder = make_named_run(score=False)
    fail(folder, 0, "no")
    begin(folder, 0, "far-9")
    status = read_status(folder.path)
    assert states(status) == (0, 1, 0, 2)
    assert status.failures[0].first_shards == (0,)


def test_a_failure_comes_with_its_workers_last_log_lines(make_named_run):
    plan, folder = make_named_run(score=False)
    for shard in plan.shards[:2]:
        score_shard(plan, shard, folder)
    with pytest.raises(ValueError, match="no"), marked(folder, 2):
        raise ValueError("no")
    (group,) = read_status(folder.path).failures
    assert [line.split()[2] for line in group.log_lines] == ["00000:", "00001:"]
    log = folder.log_path("negative", worker_name())
    log.write_text("".join(f"line {number}\n" for number in range(LOG_TAIL_BYTES)))
    (group,) = read_status(folder.path).failures
    assert group.log_lines == tuple(f"line {number}" for number in range(LOG_TAIL_BYTES - 3, LOG_TAIL_BYTES))


def test_a_launch_at_work_is_told_from_a_killed_one(make_named_run, monkeypatch):
    _, folder = make_named_run(score=False)
    with launch_lock(folder.path):
        launch = read_status(folder.path).launch
        assert (launch.host, launch.pid, launch.is_gone) == (HOST, os.getpid(), False)
        (place,) = folder.launch_path.iterdir()
        lock = json.loads((place / "holder.json").read_text())
        monkeypatch.setattr(signs_of_life, "STALE_SECONDS", 0.0)
        assert read_status(folder.path).launch.is_gone
    monkeypatch.undo()
    assert read_status(folder.path).launch is None
    write_json(place / "holder.json", lock | {"pid": dead_pid()})
    assert read_status(folder.path).launch.is_gone


def test_the_command_goes_on_with_the_same_round_sample_and_run_name(make_named_run):
    plan, folder = make_named_run(score=False)
    expected = "prefect deployment run inference/us-iter0 -p sample=evaluation -p run_name=main"
    assert read_status(folder.path).command == expected
    assert continue_command(replace(plan, inputs=replace(plan.inputs, limit=50)), folder) == f"{expected} -p limit=50"
    write_resources(folder, {"cluster": "slurm-cpu", "memory_gib": 1.5, "walltime_minutes": None})
    assert read_status(folder.path).command == f"{expected} -p cluster=slurm-cpu -p memory_gib=1.5"


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("iter_25_pedro-b-3f9a0c11d2e4-s", "-p sample=s -p run_name=b"),
        ("iter_1-2026-3f9a0c11d2e4-s", "-p sample=s -p 'run_name=\"2026\"'"),
        ("iter_1-true-3f9a0c11d2e4-s", "-p sample=s -p 'run_name=\"true\"'"),
    ],
)
def test_the_commands_run_name_follows_from_the_folders(make_run, tmp_path, folder, expected):
    plan, _ = make_run(score=False)
    plan = replace(plan, sample_name="s", round_name="us-iter1")
    found = continue_command(plan, RunFolder(tmp_path / folder))
    assert found == f"prefect deployment run inference/us-iter1 {expected}"


def test_what_seeds_score_for_a_student_goes_on_with_the_distillation_flow(make_named_run):
    plan, folder = make_named_run(score=False)
    engines = tuple(replace(use, version=seed_version(3)) for use in plan.engines)
    found = continue_command(replace(plan, inputs=replace(plan.inputs, engines=engines)), folder)
    assert found == "prefect deployment run distillation/us-iter0"


def test_a_plan_that_does_not_say_its_round_has_no_command(make_named_run):
    plan, folder = make_named_run(score=False)
    assert continue_command(replace(plan, round_name=""), folder) is None


def test_the_command_names_the_plans_round_where_another_countrys_models_score(make_named_run):
    plan, folder = make_named_run(score=False)
    write_plan(replace(plan, round_name="ar-iter0-adaptive"), folder)
    assert read_status(folder.path).command == (
        "prefect deployment run inference/ar-iter0-adaptive -p sample=evaluation -p run_name=main"
    )


def test_a_folder_of_another_name_has_no_command(make_run):
    _, folder = make_run(score=False)
    assert read_status(folder.path).command is None


def test_a_path_that_is_no_run_folder_says_where_there_are_some(make_named_run, tmp_path):
    _, folder = make_named_run(score=False)
    with pytest.raises(RunFolderError, match=rf"is no run folder: it holds no plan.parquet\. .*: {folder.path.name}\."):
        read_status(tmp_path)
    with pytest.raises(RunFolderError, match=rf"there is no folder .*nowhere\. Run folders in .*{folder.path.name}"):
        read_status(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match=r"no run folder.*Give one such as <output_path of the round>/iter_0-main"):
        read_status(tmp_path / "sample")


def test_a_torn_plan_is_named(make_named_run):
    _, folder = make_named_run(score=False)
    folder.plan_path.write_bytes(b"PAR1")
    with pytest.raises(RunFolderError, match=r"plan\.parquet cannot be read"):
        read_status(folder.path)


def test_a_plan_of_another_version_is_named(make_named_run):
    _, folder = make_named_run(score=False)
    change_plan(folder.plan_path, lambda said: {key: value for key, value in said.items() if key != "round_name"})
    with pytest.raises(
        RunFolderError,
        match=r"cannot be read as a plan of format 2: it lacks \['round_name'\].*Look at the folder with the version",
    ):
        read_status(folder.path)
