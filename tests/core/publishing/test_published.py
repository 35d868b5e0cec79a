"""From a run folder to Redis and back: what readers get is what the run holds, from either."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError, PublishingError
from tasks.core.base.files import sha256_of_file
from tasks.core.publishing.key_layout import bucket_of
from tasks.core.publishing.published_scores import rounded
from tasks.core.publishing.redis_connection import open_redis
from tasks.core.publishing.redis_reader import RedisReader
from tasks.core.publishing.run_reader import RunReader
from tasks.core.runs.parts import AUDITED, EXPERT, NGRAMS
from tasks.core.runs.shards.receipts import read_receipts, write_receipt
from tests.support.published_runs import LABELS, ODD_IDS, ids_of, publication_of, publish, run_to_publish, truth_of

ROWS = 900


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_to_publish(tmp_path_factory.mktemp("run"), ROWS)


def test_every_text_is_found_with_its_scores_and_its_models(run, redis_server):
    publication = publication_of(run)
    counts = publish(redis_server, publication)
    assert counts["score:positive"] == counts["score:negative"] == ROWS
    truth = {label: truth_of(run, label) for label in LABELS}
    ids = list(truth["positive"])
    assert set(ODD_IDS) < set(ids)
    with open_redis(redis_server.place) as client:
        answer = RedisReader(client, "US").lookup_many(ids)
    assert (answer.country, answer.version) == ("US", publication.name)
    assert answer.models == {"positive": "us.positive 3", "negative": "us.negative 3"}
    expected = [{label: rounded(truth[label][id_]["score"]) for label in LABELS} for id_ in ids]
    assert [text.scores for text in answer.texts] == expected
    assert [text.id for text in answer.texts] == ids


@pytest.mark.slow
def test_redis_and_the_run_folder_answer_alike(run, redis_server):
    publish(redis_server, publication_of(run, top=ROWS))
    folder = RunReader(run.folder.path, "US")
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        for id_ in [*ODD_IDS, "no such id", 100000000000000007]:
            assert reader.lookup(id_).text == folder.lookup(id_).text
        for least, limit in ((0, 1), (0.5, 7), (0.9, 50), (0.0, 2 * ROWS), (1, 5)):
            assert reader.top("positive", least, limit).texts == folder.top("positive", least, limit).texts
        assert reader.lookup("no such id").text.is_known is False


def test_scores_of_one_value_come_in_one_order_from_both(tmp_path, redis_server):
    def given(label, shard, ids):
        return np.repeat([0.25, 0.75], len(ids))[: len(ids)], None

    run = run_to_publish(tmp_path, 200, given=given)
    publish(redis_server, publication_of(run, top=200))
    with open_redis(redis_server.place) as client:
        found = RedisReader(client, "US").top("negative", 0, 17)
    assert found.texts == RunReader(run.folder.path).top("negative", 0, 17).texts


def test_the_sorted_set_holds_the_top_and_all_above_the_threshold(run, redis_server):
    scores = sorted((row["score"] for row in truth_of(run, "positive").values()), reverse=True)
    publication = publication_of(run, thresholds={"positive": scores[199]}, top=50)
    counts = publish(redis_server, publication)
    assert 200 <= counts["best:positive"] < 210
    assert 50 <= counts["best:negative"] < 60
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        assert len(reader.top("positive", limit=150).texts) == 150
        assert len(reader.top("negative", least=0.0, limit=50).texts) == 50
        with pytest.raises(PublishingError, match=r"has the 5\d best texts of 'negative'.*ask the run folder"):
            reader.top("negative", least=0.0, limit=500)
        meta = client.hgetall(publication.keys.meta)
    assert float(meta[b"threshold:positive"]) == scores[199]


def test_plain_commands_read_all_of_it(run, redis_server):
    publication = publication_of(run, columns=("text", "lang"))
    publish(redis_server, publication)
    client = redis_server.client
    version = client.get("w:US:current").decode()
    buckets = int(client.hget(f"w:US:{version}:meta", "buckets"))
    id_ = "🦊 fox"
    bucket = bucket_of(id_.encode(), buckets)
    score = truth_of(run, "positive")[id_]["score"]
    assert float(client.hget(f"w:US:{version}:score:positive:{bucket}", id_)) == rounded(score)
    assert client.hget(f"w:US:{version}:column:text:{bucket}", id_) == b"text 2"
    assert client.hget(f"w:US:{version}:column:lang:{bucket}", id_) == b"en"
    best = client.zrange(f"w:US:{version}:best:positive", 0, -1, desc=True, withscores=True)
    assert best[0][1] == max(rounded(row["score"]) for row in truth_of(run, "positive").values())
    kinds = {client.object("ENCODING", key) for key in client.scan_iter(f"w:US:{version}:score:*")}
    assert kinds <= {b"listpack", b"hashtable"}
    assert client.object("ENCODING", f"w:US:{version}:score:positive:{bucket_of(b'1', buckets)}") in kinds
    with open_redis(redis_server.place) as client:
        assert RedisReader(client, "US").lookup(id_).text.columns == {"text": "text 2", "lang": "en"}


def test_ordinary_ids_stay_in_the_compact_encoding(tmp_path, redis_server):
    run = run_to_publish(tmp_path, 2_000, ids=ids_of(2_008)[8:])
    publish(redis_server, publication_of(run, texts_a_bucket=64))
    keys = list(redis_server.client.scan_iter("w:US:*:score:*"))
    assert {redis_server.client.object("ENCODING", key) for key in keys} == {b"listpack"}


def certify(run):
    """Leave a certificate by which all shards were screened."""
    run.folder.certificate_path.write_text("{}")
    sha256 = sha256_of_file(run.folder.certificate_path)
    for _, receipt in read_receipts(run.plan, run.folder):
        write_receipt(replace(receipt, certificate=sha256), run.folder)


@pytest.mark.slow
def test_a_screened_run_says_who_scored_or_refused_a_text(tmp_path, redis_server):
    def given(label, shard, ids):
        stages = np.array([[EXPERT, NGRAMS, AUDITED][place % 3] for place in range(len(ids))], dtype=object)
        return np.where(stages == NGRAMS, -0.75, 0.25), stages

    run = run_to_publish(tmp_path, 300, given=given, screened=True)
    certify(run)
    publication = publication_of(run, stage=True)
    counts = publish(redis_server, publication)
    assert (counts["score:positive"], counts["stage:positive"]) == (201, 198)
    rows = truth_of(run, "positive")
    folder = RunReader(run.folder.path)
    with open_redis(redis_server.place) as client:
        reader = RedisReader(client, "US")
        for id_ in list(rows)[:12]:
            text = reader.lookup(id_).text
            assert text == folder.lookup(id_).text
            assert ("positive" in text.scores) == (rows[id_]["stage"] != NGRAMS)
            assert text.stages.get("positive", EXPERT) == rows[id_]["stage"]


@pytest.mark.parametrize(
    ("score", "said"),
    [(0.0, "0"), (1.0, "1"), (0.5, "0.5"), (0.123456789, "0.123457"), (0.9999876543, "0.9999876543"), (1e-9, "1e-09")],
)
def test_a_score_keeps_six_digits_of_its_nearer_end(score, said):
    assert str(rounded(score)) == str(float(said))


def test_the_best_of_the_best_are_still_told_apart():
    scores = 1 - np.geomspace(1e-12, 0.4, 3_000)
    published = [rounded(score) for score in scores]
    assert published == sorted(published, reverse=True)
    assert len(set(published)) == 3_000


def test_questions_without_an_answer_are_refused(run, redis_server):
    publish(redis_server, publication_of(run))
    with open_redis(redis_server.place) as client:
        for reader in (RedisReader(client, "US"), RunReader(run.folder.path)):
            with pytest.raises(InputDataError, match="no label 'sad', but positive, negative"):
                reader.top("sad")
            with pytest.raises(InputDataError, match=r"least score is 1\.5"):
                reader.top("positive", 1.5)
            with pytest.raises(InputDataError, match="limit is 0"):
                reader.top("positive", 0, 0)
            with pytest.raises(InputDataError, match="never a float"):
                reader.lookup(1.5)
            with pytest.raises(InputDataError, match="1001 ids are looked up at once"):
                reader.lookup_many(range(1001))
        with pytest.raises(PublishingError, match="nothing of the country 'MX' is published; published are US"):
            RedisReader(client, "MX").lookup("1")
