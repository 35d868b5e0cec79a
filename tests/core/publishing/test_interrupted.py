"""A load that Redis or its machine breaks off: resumed from receipts, and counted before anybody sees it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tasks.core.base.errors import PublishingError, RedisAwayError
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.load_shards import BEGUN_AS, load_shards, unloaded_shards
from tasks.core.publishing.packed_commands import Writer, pack_word, send_packed
from tasks.core.publishing.pruning import prune, remove
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.served_versions import list_versions
from tasks.core.publishing.version_state import begin, count_entries, switch, verify_counts
from tests.support.published_runs import publication_of, publish, run_to_publish
from tests.support.waiting import wait_for

US = CountryKeys("US")
SHARDS = 9


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return [run_to_publish(tmp_path_factory.mktemp("run"), 900, shift=shift) for shift in (0.0, 0.7)]


@pytest.mark.parametrize("after", [0, 4, 8])
def test_a_load_goes_on_where_it_stopped_when_redis_was_killed(runs, redis_server, after):
    publication, loaded = publication_of(runs[0]), []

    def break_off(rows):
        loaded.append(rows)
        if len(loaded) == after:
            redis_server.kill()

    def load():
        with open_redis(redis_server.place) as client:
            begin(client, publication)
            load_shards(client, publication, unloaded_shards(client, publication), break_off)

    if after == 0:
        redis_server.kill()
    with pytest.raises(RedisAwayError, match="does not answer"):
        load()
    assert len(loaded) == after
    redis_server.start()
    load()
    assert len(loaded) == SHARDS
    with open_redis(redis_server.place) as client:
        assert verify_counts(client, publication)["score:positive"] == 900
        switch(client, US, publication.name)
        assert RedisReader(client, "US").lookup("a:b").text.is_known


def test_loading_what_is_loaded_changes_nothing(runs, redis_server):
    publication = publication_of(runs[0])
    before = publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        assert unloaded_shards(client, publication) == []
        load_shards(client, publication, publication.shards)
        assert count_entries(client, publication) == before
        assert begin(client, publication) == "whole"


def test_a_shard_that_was_left_half_is_loaded_whole(runs, redis_server):
    publication = publication_of(runs[0])
    with open_redis(redis_server.place) as client:
        begin(client, publication)
        load_shards(client, publication, publication.shards[:3])
        client.hdel(publication.keys.shards, f"{publication.run_ids[0]}/1")
        for key in list(client.scan_iter(f"{publication.keys.prefix}score:positive:*"))[:7]:
            client.delete(key)
        assert len(unloaded_shards(client, publication)) == SHARDS - 2
        load_shards(client, publication, unloaded_shards(client, publication))
        with pytest.raises(PublishingError, match=r"score:positive: 900 loaded, \d+ there.*Readers do not see"):
            verify_counts(client, publication)
        assert len(unloaded_shards(client, publication)) == SHARDS
        load_shards(client, publication, unloaded_shards(client, publication))
        assert verify_counts(client, publication)["score:positive"] == 900


def test_a_version_of_which_the_server_lost_some_is_loaded_anew_under_its_readers(runs, redis_server):
    publication = publication_of(runs[0])
    publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        client.delete(*list(client.scan_iter(f"{publication.keys.prefix}score:positive:*"))[:7])
        with pytest.raises(PublishingError, match=r"score:positive: 900 loaded, \d+ there.*Readers see it as it is"):
            verify_counts(client, publication)
    assert publish(redis_server, publication)["score:positive"] == 900


def test_what_is_not_loaded_to_its_end_is_not_called_whole(runs, redis_server):
    publication = publication_of(runs[0])
    with open_redis(redis_server.place) as client:
        begin(client, publication)
        load_shards(client, publication, publication.shards[:3])
        with pytest.raises(PublishingError, match=r"6 of 9 shards of version .* are not loaded"):
            verify_counts(client, publication)
        with pytest.raises(PublishingError, match="is not whole"):
            switch(client, US, publication.name)


def remove_after(client, publication, shards):
    """Return what removes a version once so many shards are loaded."""
    loaded = []

    def told(rows):
        loaded.append(rows)
        if len(loaded) == shards:
            prune(client, US, 100_000, half=True)

    return told


def test_a_loader_whose_version_is_removed_writes_nothing_more(runs, redis_server):
    publication = publication_of(runs[0], columns=("text",))
    with open_redis(redis_server.place) as client:
        begin(client, publication)
        with pytest.raises(PublishingError, match=r"it was removed since.*Publish again"):
            load_shards(client, publication, publication.shards, remove_after(client, publication, 3))
        assert list(client.scan_iter("*")) == []
    publish(redis_server, publication)


def test_a_loader_of_a_version_that_was_removed_leaves_the_one_that_was_begun_since_alone(runs, redis_server):
    publication = publication_of(runs[0])
    with open_redis(redis_server.place) as client:
        begin(client, publication)
        late = Writer(publication.keys.meta, client.hget(publication.keys.meta, BEGUN_AS).decode())
        remove(client, US, publication.name, 100_000)
        begin(client, publication)
        word = [pack_word(b"1"), pack_word(b"2")]
        with pytest.raises(redis.ResponseError, match="NOTBEGUN"):
            send_packed(client, late.calls("HSET", publication.keys.shards, iter([("", word)])), 1)
        assert len(unloaded_shards(client, publication)) == SHARDS


def test_what_a_loader_sends_while_its_version_is_removed_is_written_whole_or_not(runs, redis_server):
    """Removed in the middle of a load from another connection, a version leaves no key."""
    publication = publication_of(runs[0], commands_at_once=1)
    with open_redis(redis_server.place) as client, ThreadPoolExecutor(1) as pool:
        begin(client, publication)
        loading = pool.submit(load_all, redis_server, publication)
        wait_for(lambda: client.hlen(publication.keys.shards) > 1, "some shards were loaded")
        remove(client, US, publication.name, 100_000)
        with pytest.raises(PublishingError, match="it was removed since"):
            loading.result()
        assert list(client.scan_iter("*")) == []


def load_all(server, publication):
    with open_redis(server.place) as client:
        load_shards(client, publication, publication.shards * 200)


def test_when_memory_is_used_up_readers_keep_what_they_had(runs, redis_server):
    first, second = (publication_of(run, columns=("text",)) for run in runs)
    publish(redis_server, first)
    server, loaded = redis_server.client, []

    def fill_up(rows):
        loaded.append(rows)
        if len(loaded) == 3:
            server.config_set("maxmemory", 1)

    with open_redis(redis_server.place) as client:
        begin(client, second)
    with (
        pytest.raises(PublishingError, match=r"reached its maxmemory .*winnow publish prune"),
        open_redis(redis_server.place) as client,
    ):
        load_shards(client, second, unloaded_shards(client, second), fill_up)
    with open_redis(redis_server.place) as client:
        assert RedisReader(client, "US").lookup("a:b").version == first.name
        assert RedisReader(client, "US").top("positive", limit=20).version == first.name
        listed = {one.name: one.standing for one in list_versions(client, US)}
        assert listed[first.name] == "current"
        assert listed[second.name] == "half: 3 of 9 shards"
        assert prune(client, US, 100_000, half=True)[second.name] > 0
    server.config_set("maxmemory", 0)
    publish(redis_server, second)
    with open_redis(redis_server.place) as client:
        assert RedisReader(client, "US").lookup("a:b").version == second.name


def test_a_reader_outlives_the_server_that_it_asked(runs, redis_server):
    publication = publication_of(runs[0])
    publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        before = reader.lookup("a:b")
        redis_server.kill()
        with pytest.raises(RedisAwayError, match="does not answer"):
            reader.lookup("a:b")
        redis_server.start()
        assert reader.lookup("a:b") == before


def test_a_server_that_lost_its_data_is_loaded_anew(runs, start_redis):
    server, publication = start_redis("appendonly no"), publication_of(runs[0])
    publish(server, publication, show=False)
    server.kill()
    server.start()
    publish(server, publication)
    with open_redis(server.place) as client:
        assert RedisReader(client, "US").lookup("a:b").text.is_known


def test_a_server_that_lost_what_was_begun_calls_nothing_whole_until_it_is_begun_anew(runs, start_redis):
    server, publication = start_redis("appendonly no"), publication_of(runs[0])
    with open_redis(server.place) as client:
        begin(client, publication)
    server.kill()
    server.start()
    with open_redis(server.place) as client:
        with pytest.raises(PublishingError, match=r"is not the one that was begun.*Publish again"):
            load_shards(client, publication, unloaded_shards(client, publication))
        assert list(client.scan_iter("*")) == []
        with pytest.raises(PublishingError, match="is not whole"):
            switch(client, US, publication.name)
    publish(server, publication)
    with open_redis(server.place) as client:
        assert RedisReader(client, "US").lookup("a:b").text.is_known
