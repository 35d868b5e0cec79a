"""Whatever stands in the files of a run, status, relaunch and verification agree, and no error is Python's own."""

import json
import shutil
from contextlib import suppress

import pytest

from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.run_names import HOLDER_FILE
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.runs.status.read_status import read_status
from tests.support.quick_runs import launch, quick_engines, quick_plan, require_clean
from tests.support.records import write_vouched
from tests.support.run_marks import begin, fail

JUNK = (None, -1, 2.5, 1e999, True, "x", "", [], {}, {"x": "y"}, [[]], {"positive": -1, "negative": 4}, "/etc/passwd")
HAVE_DEFAULTS = {
    *("cpu_seconds", "attempt", "input_ctime_ns", "screened", "stage_seconds", "stage_rows", "certificate"),
    "score_counts",
}
MEANS_NOTHING = {"input_sha256", "sha256", "input_mtime_ns", "input_ctime_ns", "variants", "attempt"}
"""Values of these are compared with the sample, with bytes or with footers, as closely as is asked for."""


@pytest.fixture(scope="module")
def done(tmp_path_factory, tiny_engines):
    """A finished run without its manifest, and its plan."""
    place = tmp_path_factory.mktemp("done")
    plan = quick_plan(place / "texts", tiny_engines)
    folder = RunFolder(place / "run")
    with quick_engines(plan):
        launch(plan, folder)
    folder.manifest_path.unlink()
    return plan, folder


@pytest.fixture
def copied(done, tmp_path):
    """A copy of that run."""
    plan, folder = done
    return plan, RunFolder(shutil.copytree(folder.path, tmp_path / "run"))


def receipt_of(folder):
    return json.loads(folder.receipt_path(1).read_text())


def agree(plan, folder, field=None):
    """Ask all who judge shards, let the run be finished, and return whether the second shard was whole."""
    left = unfinished_shards(plan, folder)
    assert left in ([], [1])
    assert read_status(folder.path).done == 3 - len(left)
    faults = [
        fault for fault in Verification(folder.path).findings() if fault.is_error and "manifest" not in fault.path
    ]
    if field not in MEANS_NOTHING:
        assert bool(faults) == bool(left), faults
    with suppress(WinnowError):
        write_manifest(plan, folder, Launch(1, 1.0))
        assert not left
    return not left


FIELDS = (
    *("shard", "run_id", "rows_in", "rows_out", "variants", "rows_quarantined", "duplicate_texts", "empty_texts"),
    *(
        "truncated_texts",
        "input_mtime_ns",
        "input_ctime_ns",
        "input_sha256",
        "files",
        "sha256",
        "histograms",
        "seconds",
    ),
    *("engine_seconds", "threads", "worker", "processor", "cpu_features", "cpu_seconds", "attempt"),
    *("screened", "stage_seconds", "stage_rows", "certificate", "score_counts"),
)


@pytest.mark.parametrize("field", FIELDS)
def test_a_receipt_with_another_value_is_whole_for_all_or_for_none(copied, field):
    plan, folder = copied
    good = receipt_of(folder)
    assert good.keys() == {*FIELDS, "format", "written_by", "checksum"}
    for value in JUNK:
        folder.manifest_path.unlink(missing_ok=True)
        write_vouched(folder.receipt_path(1), good | {field: value})
        whole = agree(plan, folder, field)
        is_number = value == 2.5 and field in ("seconds", "engine_seconds", "cpu_seconds")
        assert not whole or is_number or not isinstance(value, bool | float | None), (field, value)
    write_vouched(folder.receipt_path(1), {key: value for key, value in good.items() if key != field})
    assert agree(plan, folder, field) == (field in HAVE_DEFAULTS)
    with quick_engines(plan):
        folder.manifest_path.unlink(missing_ok=True)
        launch(plan, folder)
    require_clean(plan, folder)


@pytest.mark.parametrize("field", ["variants", "histograms", "score_counts", "rows_out", "files", "sha256"])
def test_a_receipt_that_leaves_out_a_label_or_file_is_not_whole(copied, field):
    plan, folder = copied
    good = receipt_of(folder)
    write_vouched(folder.receipt_path(1), good | {field: dict(list(good[field].items())[1:])})
    assert not agree(plan, folder)


@pytest.mark.parametrize("value", [*JUNK, "2026-01-01T00:00:00+0000"])
def test_marks_and_signs_that_say_anything_are_no_traceback(copied, value):
    plan, folder = copied
    folder.receipt_path(2).unlink()
    begin(folder, 2, "far-7")
    fail(folder, 2, "no room")
    folder.job_endings_path.parent.mkdir(parents=True)
    sign = folder.launch_path / "t" / HOLDER_FILE
    sign.parent.mkdir(parents=True)
    places = (folder.running_path(2), folder.failure_path(2), sign)
    sign.write_text(json.dumps({"host": "h", "pid": 1, "start": "a.1", "slurm_job": "7", "started_at": "x"}))
    for place in places:
        good = json.loads(place.read_text())
        for field in good:
            place.write_text(json.dumps(good | {field: value}))
            folder.job_endings_path.write_text(json.dumps({"job": "7", "seen_at": "x", field: value}) + "\n")
            status = read_status(folder.path)
            assert (status.done, status.running + status.failed + status.waiting) == (2, 1)
        place.write_text(json.dumps(value))
        folder.job_endings_path.write_bytes(json.dumps(value).encode() + b"\n\xff\xfe\n")
        read_status(folder.path)
        place.write_text(json.dumps(good))
    assert plan.rows == read_status(folder.path).rows
