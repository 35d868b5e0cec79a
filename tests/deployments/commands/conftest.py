"""A run that stopped half-way, and one that is finished."""

import pytest

from tasks.core.inference.scoring import score_shard
from tasks.core.runs.manifest import Launch, write_manifest
from tests.support.run_marks import HOST, begin, dead_pid, fail


@pytest.fixture
def halted(make_named_run):
    """A run of which one shard is done, one failed and one was left by a killed worker."""
    plan, folder = make_named_run(score=False)
    score_shard(plan, plan.shards[0], folder)
    fail(folder, 1, "[Errno 28] No space left on device: '/data/x'")
    begin(folder, 2, f"{HOST}-{dead_pid()}", 0)
    return folder


@pytest.fixture
def finished(make_named_run):
    plan, folder = make_named_run()
    write_manifest(plan, folder, Launch(97, 1.0))
    return folder
