"""Whether a shard is whole: one answer, whoever asks and however much he reads again."""

import ast
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.shards import receipts, wholeness
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished, unfinished_shards
from tasks.core.runs.status.read_status import read_status

ROOT = Path(__file__).parents[4]
JUDGES = "tasks/core/runs/shards/"
EVIDENCE = {"input_mtime_ns", "input_sha256", "sha256", "files", "rows_in", "rows_out", "receipt_path"}
"""The fields of a receipt by which a shard is judged."""
MAY = {
    "tasks/core/inference/scoring.py": "fills them",
    "tasks/core/runs/earlier_runs.py": "fills them for a copy",
    "tasks/core/runs/audit/verify.py": "sums them up",
    "tasks/core/runs/manifest.py": "requires its own counts to be of its own labels",
    "tasks/core/runs/balance.py": "sums up what the footers say",
    "tasks/core/runs/audit/stray_files.py": "knows where a receipt may lie",
    "tasks/core/runs/status/read_status.py": "sums up the rows of whole shards",
    "tasks/core/ranking/counted_parts.py": "counts the rows of shards that were found whole",
    "tasks/shards.py": "returns how many rows were scored",
    "tasks/inference.py": "a dry run takes over no shard that has a receipt, and removes none",
}


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def change_receipt(**changes):
    def change(folder):
        write_receipt(replace(read_receipt(folder, 1), **changes), folder)

    return change


DAMAGE = {
    "no receipt": lambda folder: folder.receipt_path(1).unlink(),
    "torn receipt": lambda folder: cut(folder.receipt_path(1)),
    "receipt of another run": change_receipt(run_id="0" * 12),
    "receipt of another shard": lambda folder: folder.receipt_path(0).replace(folder.receipt_path(1)),
    "receipt of other rows": change_receipt(rows_in=39),
    "receipt without a label": change_receipt(rows_out={"positive": 40}),
    "receipt that names no files": change_receipt(files={}, sha256={}),
    "lost part": lambda folder: folder.output_path("negative", 1).unlink(),
    "cut part": lambda folder: cut(folder.output_path("negative", 1)),
}


@pytest.fixture
def later(make_run, tmp_path):
    """A scored run, and a run of fewer rows that could take its first two shards over."""
    plan, folder = make_run("runs/" + run_folder_name("iter0", 0, "main", "0" * 12, "evaluation"))
    inputs = replace(plan.inputs, limit=80)
    fewer = replace(plan, inputs=inputs, run_id=inputs.run_id, shards=plan.shards[:2])
    other = RunFolder(tmp_path / "runs" / run_folder_name("iter0", 0, "main", fewer.run_id, "evaluation"))
    write_plan(fewer, other)
    return plan, folder, fewer, other


@pytest.mark.parametrize("damage", DAMAGE)
def test_all_who_ask_find_the_same_shard_unfinished(later, damage):
    plan, folder, fewer, other = later
    DAMAGE[damage](folder)
    expected = [0, 1] if damage == "receipt of another shard" else [1]
    assert unfinished_shards(plan, folder) == expected
    assert read_status(folder.path).done == 3 - len(expected)
    with pytest.raises(RunFolderError, match=rf"{len(expected)} of 3 shards .* are unfinished"):
        write_manifest(plan, folder, Launch(97, 1.0))
    assert adopt_shards(fewer, other, [0, 1]) == {0, 1} - set(expected)
    found = {finding.path for finding in Verification(folder.path).findings() if finding.kind != "doubled"}
    assert any("00001" in path for path in found)


def test_without_damage_all_who_ask_find_every_shard_whole(later):
    plan, folder, fewer, other = later
    assert unfinished_shards(plan, folder) == []
    assert read_status(folder.path).done == 3
    write_manifest(plan, folder, Launch(97, 1.0))
    assert adopt_shards(fewer, other, [0, 1]) == {0, 1}
    faults = [finding.path for finding in Verification(folder.path).findings()]
    assert faults == ["plan.parquet"]  # the folder is of another run's name


def test_a_dry_run_removes_nothing_and_a_launch_lets_go_of_the_manifest_first(later, monkeypatch):
    plan, folder, _, _ = later
    write_manifest(plan, folder, Launch(97, 1.0))
    cut(folder.output_path("negative", 1))
    before = sorted(folder.path.rglob("*"))
    assert renew_and_find_unfinished(plan, folder, dry_run=True) == [1]
    assert sorted(folder.path.rglob("*")) == before
    there = []
    monkeypatch.setattr(wholeness, "make_way", lambda *_: there.append(folder.manifest_path.exists()))
    assert renew_and_find_unfinished(plan, folder) == [1]
    assert there == [False]


def test_receipts_are_read_once_by_each_who_asks(later, monkeypatch):
    plan, folder, _, _ = later
    read = []
    once = receipts.read_receipt
    monkeypatch.setattr(receipts, "read_receipt", lambda *place: read.append(place[1]) or once(*place))
    for ask in (
        lambda: unfinished_shards(plan, folder),
        lambda: read_status(folder.path),
        lambda: write_manifest(plan, folder, Launch(97, 1.0)),
    ):
        read.clear()
        ask()
        assert read == [0, 1, 2]


def test_rows_of_files_of_another_state_are_read_a_few_shards_at_once_and_in_order(later, monkeypatch, caplog):
    plan, folder, _, _ = later
    plan.input_path(plan.shards[0]).chmod(0o600)
    cut(folder.output_path("negative", 1))
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setattr(wholeness, "READ_AT_ONCE", 2)
    two, now, most, read = Barrier(2), [], [], wholeness._rows_now

    def counted(plan, shard, *rest):
        now.append(shard.number)
        most.append(len(now))
        if shard.number != 1:
            two.wait(60)
        found = read(plan, shard, *rest)
        now.remove(shard.number)
        return found

    monkeypatch.setattr(wholeness, "_rows_now", counted)
    with caplog.at_level("INFO"):
        assert renew_and_find_unfinished(plan, folder) == [1]
        assert renew_and_find_unfinished(plan, folder) == [1]
    assert max(most) == 2
    first, last = caplog.messages
    assert first.startswith(f"{plan.input_path(plan.shards[0])} was moved, copied or given other rights")
    assert last.startswith("1 files of the sample had another state")


def judged_by(source):
    """Return the fields of a receipt that a module looks at."""
    tree = ast.parse(source)
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    looks = any(word in source for word in ("Receipt", "receipt"))
    return sorted(named & EVIDENCE) if looks else []


def test_only_one_room_judges_shards():
    paths = [path for folder in ("tasks", "flows") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): judged_by(path.read_text()) for path in paths}
    others = {path: fields for path, fields in found.items() if fields and not path.startswith(JUDGES)}
    assert {path: fields for path, fields in others.items() if path not in MAY} == {}


def test_a_second_judge_is_found():
    assert judged_by("def done(receipt):\n    return all(size(path) == n for path, n in receipt.files.items())")
