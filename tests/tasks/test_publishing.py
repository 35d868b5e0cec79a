"""What of publishing is tried again, how shards are handed out, and what publishers at work side by side leave."""

import pytest
from prefect.logging import disable_run_logger
from prefect.states import exception_to_failed_state
from prefect.utilities.asyncutils import run_coro_as_sync

from tasks.core.base.errors import PublishingError, RedisAwayError
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.version_state import switch
from tasks.publishing import begin_version, group_blocks, may_pass, remove_older
from tests.support.published_runs import publication_of, publish, run_to_publish


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


def test_a_version_that_another_publisher_shows_meanwhile_is_left_and_named(redis_server, tmp_path, monkeypatch):
    run = run_to_publish(tmp_path, 300)
    publications = [publication_of(run, f"iter{number}", redis=redis_server.place) for number in range(4)]
    for publication in publications:
        publish(redis_server, publication)
    oldest, *_, shown = publications
    with open_redis(redis_server.place) as other, disable_run_logger():
        monkeypatch.setattr("time.sleep", lambda _: switch(other, CountryKeys("US"), oldest.name))
        assert remove_older.fn(shown) == [oldest.name]
        monkeypatch.setattr("time.sleep", lambda _: None)
        assert remove_older.fn(shown) == []


def test_a_version_whose_removal_was_broken_off_is_begun_anew(redis_server, tmp_path):
    publication = publication_of(run_to_publish(tmp_path, 300), redis=redis_server.place)
    publish(redis_server, publication, show=False)
    redis_server.client.hset(publication.keys.meta, "state", "removing")
    redis_server.client.hdel(publication.keys.meta, "begun_as")
    with disable_run_logger():
        assert begin_version.fn(publication) == list(publication.shards)
