"""What of publishing is tried again, and how shards are handed out."""

import pytest
from prefect.states import exception_to_failed_state
from prefect.utilities.asyncutils import run_coro_as_sync

from tasks.core.base.errors import PublishingError, RedisAwayError
from tasks.publishing import group_blocks, may_pass


@pytest.mark.parametrize(
    ("error", "again"),
    [(RedisAwayError("away"), True), (OSError("disk"), True), (PublishingError("wrong password"), False)],
)
def test_a_redis_that_is_away_is_asked_again_and_a_wrong_password_is_not(error, again):
    state = run_coro_as_sync(exception_to_failed_state(error))
    assert may_pass(None, None, state) is again


@pytest.mark.parametrize(("shards", "workers", "blocks"), [(1, 2, 1), (8, 2, 8), (100, 2, 8), (1000, None, 63)])
def test_each_worker_gets_a_few_blocks_that_hold_each_shard_once(shards, workers, blocks):
    numbered = [("run", number) for number in range(shards)]
    found = group_blocks(numbered, workers)
    assert len(found) == blocks
    assert [shard for block in found for shard in block] == numbered
