"""What is not published, and servers that are not published to: each says what to do."""

import os
import stat

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError, PublishingError, RedisAwayError, RunFolderError
from tasks.core.publishing.load_shards import load_shards
from tasks.core.publishing.publication import plan_publication
from tasks.core.publishing.redis_connection import PASSWORD_VARIABLE, open_redis, require_fit
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.version_state import begin
from tasks.core.round.publishing_section import Publishing
from tasks.core.runs.parts import read_part, score_table, write_part
from tests.support.ports import free_port
from tests.support.published_runs import ids_of, publication_of, publish, run_to_publish, smooth


@pytest.fixture
def run(tmp_path):
    return run_to_publish(tmp_path, 300)


def test_a_run_folder_that_does_not_verify_is_refused(run):
    path = run.folder.output_path("positive", 1)
    part = read_part(path)
    write_part(part.slice(1), path)
    with pytest.raises(RunFolderError, match=r"does not verify, so nothing of it is published.*\n.*part-00001"):
        publication_of(run)


def test_an_unfinished_run_is_refused(run):
    run.folder.manifest_path.unlink()
    with pytest.raises(RunFolderError, match="the run is not finished"):
        publication_of(run)


@pytest.mark.parametrize("score", [-0.1, 1.0000001, np.nan, np.inf])
def test_a_score_off_the_scale_is_refused_when_it_is_loaded(run, redis_server, score):
    publication = publication_of(run)
    path = run.folder.output_path("negative", 2)
    scores = read_part(path)["score"].to_numpy().copy()
    scores[5] = score
    write_part(score_table(read_part(path)["tweet_id"], scores), path)
    with open_redis(redis_server.place) as client:
        begin(client, publication)
        with pytest.raises(PublishingError, match=r"1 scores of .*part-00002.parquet are no probabilities"):
            load_shards(client, publication, publication.shards)
        assert client.get("w:US:current") is None


def test_ids_that_stand_twice_are_refused(tmp_path):
    ids = ids_of(300).to_pylist()
    run = run_to_publish(tmp_path, ids=[*ids[:-1], ids[0]])
    with pytest.raises(InputDataError, match=r"1 rows of .* have an id that another row has"):
        publication_of(run)


def test_runs_of_other_models_are_not_one_version(run, tmp_path):
    other = run_to_publish(tmp_path / "other", ids=pa.array(["10", "11"]), given=smooth(1.0))
    plan_publication("US", "iter0", [run.folder.path, other.folder.path], Publishing(), {})
    with pytest.raises(InputDataError, match="no run folder is named"):
        plan_publication("US", "iter0", [], Publishing(), {})


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (pa.array(["w:US:current", "only here"]), "'w:US:current', and"),
        (pa.array([1, 2]), "'1', and"),
        (pa.array(["01", "a:b", "x1", "x2"], pa.large_string()), "'(01|a:b)', '(01|a:b)', and"),
    ],
)
def test_runs_with_ids_in_common_are_refused_before_anything_is_loaded(run, tmp_path, ids, said):
    other = run_to_publish(tmp_path / "other", ids=ids)
    for folders in ([run.folder.path, other.folder.path], [other.folder.path, run.folder.path]):
        with pytest.raises(InputDataError, match=rf"have ids in common, such as {said} .*publishing\.samples"):
            plan_publication("US", "iter0", folders, Publishing(), {})
    assert list(run.folder.path.glob(".*")) == []


def test_runs_without_ids_in_common_are_one_version(run, tmp_path, redis_server):
    other = run_to_publish(tmp_path / "other", ids=pa.array(["A:B", "001"]))
    folders = [run.folder.path, other.folder.path]
    counts = publish(redis_server, plan_publication("US", "iter0", folders, Publishing(texts_a_bucket=8), {}))
    assert counts["score:positive"] == 302
    with open_redis(redis_server.place) as client:
        answer = RedisReader(client, "US").lookup_many(["a:b", "A:B", "001", "01", "0001"])
        assert [text.is_known for text in answer.texts] == [True, True, True, True, False]


def test_what_was_published_and_then_altered_is_refused(run):
    publication_of(run)
    path = run.folder.output_path("positive", 1)
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(RunFolderError, match="does not verify"):
        publication_of(run)


def test_what_a_killed_process_left_half_made_keeps_no_run_from_being_published(run):
    """Or what one is making at this moment, such as a ranking's file aside."""
    (run.folder.path / ".ranking.0123.tmp").write_bytes(b"half")
    assert publication_of(run).rows == 300


def test_a_column_that_the_sample_lacks_is_refused(run, redis_server):
    with pytest.raises(InputDataError, match=r"names 'author', but .* has the columns \['tweet_id', 'text', 'lang'\]"):
        publish(redis_server, publication_of(run, columns=("author",)))


def test_a_wrong_password_is_told_from_none_and_from_no_server(redis_server, monkeypatch, tmp_path):
    place = redis_server.place
    monkeypatch.setenv(PASSWORD_VARIABLE, "guessed")
    with pytest.raises(PublishingError, match="does not accept the password"), open_redis(place):
        pass
    monkeypatch.delenv(PASSWORD_VARIABLE)
    with (
        pytest.raises(PublishingError, match=f"there is no password for .*{PASSWORD_VARIABLE}"),
        open_redis(place.model_copy(update={"password_file": None})),
    ):
        pass
    with (
        pytest.raises(RedisAwayError, match=r"does not answer: .* See that it runs"),
        open_redis(place.model_copy(update={"port": free_port()})),
    ):
        pass
    with (
        pytest.raises(PublishingError, match="there is no such file"),
        open_redis(place.model_copy(update={"password_file": tmp_path / "none"})),
    ):
        pass


def test_a_password_that_others_may_read_is_refused(redis_server):
    path = redis_server.password_file
    path.chmod(path.stat().st_mode | stat.S_IRGRP)
    with pytest.raises(PublishingError, match=r"has mode 0640; it must be 0600"), open_redis(redis_server.place):
        pass


def test_a_server_without_a_password_is_not_published_to(redis_server):
    redis_server.client.config_set("requirepass", "")
    with open_redis(redis_server.place) as client, pytest.raises(PublishingError, match="answers without a password"):
        require_fit(client, redis_server.place)


def test_a_server_that_drops_keys_by_itself_is_not_published_to(redis_server):
    with open_redis(redis_server.place) as client:
        require_fit(client, redis_server.place)
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(PublishingError, match="Set it to noeviction"):
            require_fit(client, redis_server.place)


@pytest.mark.slow
def test_scores_travel_by_tls_and_a_certificate_of_another_authority_is_refused(run, start_redis, tmp_path):
    server = start_redis(tls=True)
    publish(server, publication_of(run))
    with open_redis(server.place) as client:
        assert RedisReader(client, "US").lookup("🦊 fox").text.is_known
    other = start_redis(tls=True)
    with (
        pytest.raises(RedisAwayError, match="certificate verify failed"),
        open_redis(server.place.model_copy(update={"ca_file": other.place.ca_file})),
    ):
        pass
    with pytest.raises(RedisAwayError), open_redis(server.place.model_copy(update={"tls": False})):
        pass
