"""Versions come and go under readers, who never see two of them in one answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.core.base.errors import PublishingError
from tasks.core.publishing.key_layout import CountryKeys
from tasks.core.publishing.load_shards import load_shards, unloaded_shards
from tasks.core.publishing.pruning import finish_removal, needless, prune, remove, sweep
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.served_versions import list_versions
from tasks.core.publishing.version_state import begin, count_entries, rollback, switch, verify_counts
from tests.support.published_runs import LABELS, publication_of, publish, run_to_publish, truth_of

SWITCHES = 20
READERS = 2
US = CountryKeys("US")
PACE = 100_000


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs of the same ids, each with scores of its own."""
    return [run_to_publish(tmp_path_factory.mktemp("run"), 300, shift=shift) for shift in (0.0, 0.7, 1.4)]


def scores_in(run):
    """Return all scores of a run as they are published, by id."""
    truth = {label: truth_of(run, label) for label in LABELS}
    return {id_: {label: truth[label][id_]["score"] for label in LABELS} for id_ in truth["positive"]}


def hammer(server, versions, stop):
    """Read until told to stop; return the answers that are of no single version, and how many were read."""
    mixed, seen, read = [], set(), 0
    with open_redis(server.place) as client:
        reader = RedisReader(client, "US")
        while not stop.is_set():
            ids = list(versions[reader.version])[read % 200 :][:20]
            answers = [reader.lookup_many(ids), reader.top("positive", limit=30)]
            for answer in answers:
                wrong = [text for text in answer.texts if not is_of(text, versions[answer.version])]
                mixed += [answer] if wrong or not answer.texts else []
                seen.add(answer.version)
            read += len(answers)
    return mixed, seen, read


def is_of(text, scores):
    """Say whether a text's scores are those of one version."""
    return text.is_known and all(abs(score - scores[text.id][label]) < 1e-5 for label, score in text.scores.items())


@pytest.mark.slow
def test_readers_see_no_mixed_or_missing_answer_during_twenty_switches(runs, redis_server):
    publications = [publication_of(run, thresholds={"positive": 0.5}) for run in runs]
    versions = {one.name: scores_in(run) for one, run in zip(publications, runs, strict=True)}
    assert len(versions) == 3
    publish(redis_server, publications[0])
    stop = threading.Event()
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(hammer, redis_server, versions, stop) for _ in range(READERS)]
        try:
            for number in range(1, SWITCHES + 1):
                publish(redis_server, publications[number % 3])
                with open_redis(redis_server.place) as client:
                    prune(client, US, PACE)
        finally:
            stop.set()
        for mixed, seen, read in (reader.result() for reader in readers):
            assert mixed == []
            assert len(seen) == 3
            assert read > SWITCHES


def test_a_rollback_leads_to_the_version_before_and_no_further_than_there_is(runs, redis_server):
    first, second, third = (publication_of(run) for run in runs)
    for publication in (first, second, third):
        publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        assert reader.version == third.name
        assert [one.standing for one in list_versions(client, US)] == ["current", "previous", "whole"]
        assert rollback(client, US) == (second.name, third.name)
        assert reader.version == second.name
        assert rollback(client, US) == (first.name, second.name)
        with pytest.raises(PublishingError, match="took the place of no other"):
            rollback(client, US)
        switch(client, US, third.name)
        assert rollback(client, US) == (first.name, third.name)


def test_nothing_leads_back_from_nothing(redis_server):
    with open_redis(redis_server.place) as client, pytest.raises(PublishingError, match="nothing of US is published"):
        rollback(client, US)


def test_what_nobody_needs_is_removed_to_the_last_key(runs, redis_server):
    first, second, third = (publication_of(run, columns=("text",)) for run in runs)
    for publication in (first, second, third):
        publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        assert needless(list_versions(client, US)) == [first.name]
        removed = prune(client, US, PACE)
        assert removed[first.name] > 3 * first.buckets // 2
        assert list(client.scan_iter(f"w:US:{first.name}*")) == []
        assert [one.name for one in list_versions(client, US)] == [third.name, second.name]
        assert prune(client, US, PACE) == {}
        with pytest.raises(PublishingError, match=r"readers of US see version .* not removed"):
            remove(client, US, third.name, PACE)
        rollback(client, US)
        assert RedisReader(client, "US").lookup("🦊 fox").version == second.name


def test_what_another_publisher_shows_while_older_versions_are_removed_is_left_and_told(
    runs, redis_server, monkeypatch
):
    """It comes in between where removing rests."""
    publications = [publication_of(run, alias) for run in runs[:2] for alias in ("iter0", "iter1")]
    for publication in publications:
        publish(redis_server, publication)
    oldest, older, before, _ = publications
    left = []
    with open_redis(redis_server.place) as client, open_redis(redis_server.place) as other:
        assert needless(list_versions(client, US)) == [older.name, oldest.name]
        monkeypatch.setattr("time.sleep", lambda _: switch(other, US, oldest.name))
        assert list(prune(client, US, PACE, left=left.append)) == [older.name]
        assert left == [oldest.name]
        assert RedisReader(client, "US").lookup("🦊 fox").version == oldest.name
        assert before.name in [one.name for one in list_versions(client, US)]


def test_a_late_remover_leaves_a_version_alone_that_was_begun_anew(runs, redis_server, monkeypatch):
    """It comes to itself when another one has removed the version, and a publisher has begun it again."""
    publication = publication_of(runs[0], texts_a_bucket=1)
    publish(redis_server, publication, show=False)

    def meanwhile(_):
        monkeypatch.undo()
        finish_removal(other, US, publication.name, PACE)
        assert list(other.scan_iter("*")) == []
        publish(redis_server, publication)

    with open_redis(redis_server.place) as client, open_redis(redis_server.place) as other:
        monkeypatch.setattr("time.sleep", meanwhile)
        remove(client, US, publication.name, PACE)
        assert count_entries(client, publication)["score:positive"] == 300
        assert RedisReader(client, "US").version == publication.name


def test_a_removal_that_was_broken_off_is_finished_before_the_version_is_begun_again(runs, redis_server, monkeypatch):
    publication = publication_of(runs[0], texts_a_bucket=1)
    publish(redis_server, publication, show=False)

    def killed(_):
        raise KeyboardInterrupt

    with open_redis(redis_server.place) as client:
        monkeypatch.setattr("time.sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(client, US, publication.name, PACE)
        monkeypatch.undo()
        assert [one.standing for one in list_versions(client, US)] == ["removing"]
        finish_removal(client, US, publication.name, PACE)
        assert list(client.scan_iter("*")) == []
        publish(redis_server, publication)
        finish_removal(client, US, publication.name, PACE)
        assert RedisReader(client, "US").version == publication.name


def test_keys_that_are_of_no_version_are_swept_and_no_others(runs, redis_server):
    """As a loader of an earlier Winnow left them, which went on when its version was removed."""
    shown, half = (publication_of(run) for run in runs[:2])
    publish(redis_server, shown)
    server = redis_server.client
    with open_redis(redis_server.place) as client:
        begin(client, half)
        load_shards(client, half, half.shards[:2])
        kept = set(server.scan_iter("*"))
        for key in ("US:iter7-gone:score:positive:3", "US:iter7-gone:shards", "US:iter8-gone:best:a:b"):
            server.hset(f"w:{key}", "1", "0.5")
        server.hset("w:MX:iter7-gone:shards", "1", "0.5")
        assert prune(client, US, PACE) == {}
        assert list(sweep(client, US, PACE)) == ["iter7-gone", "iter8-gone"]
        assert set(server.scan_iter("*")) == kept | {b"w:MX:iter7-gone:shards"}
        assert sweep(client, US, PACE) == {}
        load_shards(client, half, unloaded_shards(client, half))
        assert verify_counts(client, half)["score:positive"] == 300


def test_a_half_loaded_version_is_listed_so_and_kept_unless_asked_for(runs, redis_server):
    publish(redis_server, publication_of(runs[0]))
    half = publication_of(runs[1])
    with open_redis(redis_server.place) as client:
        begin(client, half)
        assert [one.standing for one in list_versions(client, US)] == ["half: 0 of 3 shards", "current"]
        with pytest.raises(PublishingError, match="is not whole, so readers are not shown it"):
            switch(client, US, half.name)
        assert prune(client, US, PACE) == {}
        assert list(prune(client, US, PACE, half=True)) == [half.name]
        assert [one.name for one in list_versions(client, US)] == [publication_of(runs[0]).name]


def test_a_version_that_is_being_removed_is_not_loaded_nor_shown(runs, redis_server):
    publications = [publication_of(run) for run in runs[:2]]
    for publication in publications:
        publish(redis_server, publication)
    with open_redis(redis_server.place) as client:
        client.hset(publications[0].keys.meta, "state", "removing")
        with pytest.raises(PublishingError, match="is being removed"):
            begin(client, publications[0])
        with pytest.raises(PublishingError, match=r"which came before, was removed"):
            rollback(client, US)
        assert list(prune(client, US, PACE)) == [publications[0].name]


def test_a_version_that_another_publisher_began_to_remove_is_not_called_whole_again(runs, redis_server):
    shown, waiting = (publication_of(run) for run in runs[:2])
    publish(redis_server, shown)
    publish(redis_server, waiting, show=False)
    with open_redis(redis_server.place) as client:
        client.hset(waiting.keys.meta, "state", "removing")
        with pytest.raises(PublishingError, match="is being removed"):
            verify_counts(client, waiting)
        with pytest.raises(PublishingError, match="is not whole"):
            switch(client, US, waiting.name)
        assert RedisReader(client, "US").version == shown.name


def test_a_pointer_to_what_is_not_there_is_an_error_and_is_listed(runs, redis_server):
    publish(redis_server, publication_of(runs[0]))
    redis_server.client.set("w:US:current", "iter7-gone")
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        for ask in (lambda: reader.lookup("1"), lambda: reader.top("positive"), lambda: reader.version):
            with pytest.raises(PublishingError, match="pointed at version iter7-gone, but it is not there"):
                ask()
        assert "iter7-gone" in [one.name for one in list_versions(client, US) if one.state == "missing"]


def test_a_version_whose_meta_hash_is_lost_is_removed_all_the_same(runs, redis_server):
    first, second = (publication_of(run) for run in runs[:2])
    publish(redis_server, first)
    publish(redis_server, second)
    with open_redis(redis_server.place) as client:
        client.delete(first.keys.meta)
        assert first.name in prune(client, US, PACE, half=True)
        assert list(client.scan_iter(f"w:US:{first.name}*")) == []


def test_countries_do_not_see_each_other(runs, redis_server):
    publish(redis_server, publication_of(runs[0], country="US"))
    publish(redis_server, publication_of(runs[1], country="MX"))
    with open_redis(redis_server.place) as client:
        versions = {country: RedisReader(client, country).version for country in ("US", "MX")}
        assert versions["US"] != versions["MX"]
        assert len(list_versions(client, US)) == 1
