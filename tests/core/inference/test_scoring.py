import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import MachineError, ModelFolderError, RunFolderError
from tasks.core.base.files import sha256_of_file, sha256_of_folder
from tasks.core.base.parquet import STAMP_KEY
from tasks.core.corpus.sample.listing import file_digest
from tasks.core.engines.loading import Engine, close_engines, open_engine, open_tokenizer
from tasks.core.engines.model_folder import read_engine_model, write_engine_model
from tasks.core.inference.scoring import score_shard
from tasks.core.ranking.top_scored import top_scored
from tasks.core.runs import plan as plan_module
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.shards import wholeness
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tasks.core.runs.shards.wholeness import renew_and_find_unfinished, unfinished_shards
from tests.support.run_texts import TEXTS
from tests.support.tiny import make_sentences


def outputs(folder, label="positive"):
    return pa.concat_tables([pq.read_table(path) for path in sorted((folder.path / "output" / label).iterdir())])


def unfinished(plan, folder):
    return unfinished_shards(plan, folder)


def test_every_row_is_scored_once_for_each_label_or_quarantined(make_run):
    _, folder = make_run()
    ids = [2**63 - 1 - number for number in range(len(TEXTS))]
    expected = [id_ for id_, text in zip(ids, TEXTS, strict=True) if text is not None]
    for label in ("positive", "negative"):
        table = outputs(folder, label)
        assert table["tweet_id"].to_pylist() == expected
        assert table.schema.field("score").type == pa.float64()
    quarantined = pa.concat_tables([pq.read_table(path) for path in (folder.path / "quarantine").iterdir()])
    assert sorted(quarantined["tweet_id"].to_pylist()) == sorted(set(ids) - set(expected))
    assert set(quarantined["reason"].to_pylist()) == {"text is null"}


def test_scores_are_the_engines_own_for_each_text_alone(make_run, tiny_engines):
    _, folder = make_run()
    model = tiny_engines["positive"]
    tokenizer = open_tokenizer(str(model.tokenizer_path), model.max_length_tokens)
    _, engine = open_engine(model.folder)
    scores = outputs(folder)["score"].to_numpy()
    texts = [text for text in TEXTS if text is not None]
    for text, score in zip(texts, scores, strict=True):
        other, positive = engine.logits([tokenizer.encode(text).ids])[0].astype(np.float64)
        assert score == pytest.approx(1 / (1 + np.exp(other - positive)), abs=1e-6)


def test_a_second_run_writes_the_same_bytes_in_any_order_of_shards(make_run):
    plan, first = make_run("first")
    _, second = make_run("second", score=False)
    for shard in reversed(plan.shards):
        score_shard(plan, shard, second)
    assert sha256_of_folder(first.path / "output") == sha256_of_folder(second.path / "output")


def test_receipts_count_what_happened(make_run):
    plan, folder = make_run()
    receipts = [read_receipt(folder, shard.number) for shard in plan.shards]
    assert [receipt.rows_in for receipt in receipts] == [40, 40, 17]
    last = receipts[-1]
    assert last.rows_out == {"positive": 15, "negative": 15}
    assert (last.rows_quarantined, last.empty_texts, last.duplicate_texts, last.truncated_texts) == (2, 2, 2, 1)


def test_equal_texts_get_one_score(make_run):
    _, folder = make_run()
    scores = dict(zip(outputs(folder)["tweet_id"].to_pylist(), outputs(folder)["score"].to_pylist(), strict=True))
    ids = [2**63 - 1 - number for number, text in enumerate(TEXTS) if text == "same text"]
    assert len({scores[id_] for id_ in ids}) == 1


def test_every_output_file_says_where_it_comes_from(make_run, tiny_engines):
    plan, folder = make_run()
    metadata = json.loads(pq.read_schema(folder.output_path("negative", 1)).metadata[STAMP_KEY])
    assert metadata == {
        "run_id": plan.run_id,
        "shard": 1,
        "label": "negative",
        "registered_model": "us.negative",
        "version": "3",
        "engine_digest": tiny_engines["negative"].digest,
        "variant": "onnxruntime-fp32",
    }


def test_the_manifest_counts_the_variants_that_scored(make_run):
    plan, folder = make_run()
    receipt = read_receipt(folder, 1)
    write_receipt(replace(receipt, variants=receipt.variants | {"positive": "openvino-bf16"}), folder)
    manifest = write_manifest(plan, folder, Launch(97, 1.0))
    variants = {use["label"]: use["variants"] for use in manifest["engines"]}
    assert variants == {"positive": {"onnxruntime-fp32": 2, "openvino-bf16": 1}, "negative": {"onnxruntime-fp32": 3}}
    assert "onnxruntime-fp32 (2), openvino-bf16 (1)" in folder.summary_path.read_text()


def test_a_worker_with_other_libraries_than_the_plan_scores_nothing(make_run):
    plan, folder = make_run(score=False)
    older = replace(plan, inputs=replace(plan.inputs, libraries=plan.inputs.libraries | {"onnxruntime": "1.0.0"}))
    with pytest.raises(MachineError, match=r"planned with other libraries: onnxruntime is .*, was 1\.0\.0"):
        score_shard(older, plan.shards[0], folder)
    assert not folder.receipt_path(0).exists()


def test_other_libraries_make_a_run_of_its_own(make_run, monkeypatch):
    plan, _ = make_run(score=False)
    monkeypatch.setattr(plan_module, "library_versions", lambda: plan.inputs.libraries | {"openvino": "9"})
    assert make_run("other", score=False)[0].run_id != plan.run_id


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize("damage", [truncate, os.unlink])
@pytest.mark.parametrize("which", ["output/positive/part-00001.parquet", "quarantine/part-00002.parquet"])
def test_a_shard_with_a_torn_or_missing_file_is_not_finished(make_run, damage, which):
    plan, folder = make_run()
    assert unfinished(plan, folder) == []
    damage(folder.path / which)
    assert unfinished(plan, folder) == [int(which[-9:-8])]


def test_a_shard_without_receipt_is_not_finished(make_run):
    plan, folder = make_run()
    folder.receipt_path(1).unlink()
    assert unfinished(plan, folder) == [1]


def keeping_time(path, change):
    """Change a file and set its time of change back, as if nothing had been done to it."""
    before = path.stat().st_mtime_ns
    change(path)
    os.utime(path, ns=(before, before))


def exchange_two_ids(path):
    """Exchange the ids of two rows; the footer, which has no statistics, stays the same to the byte."""
    table = pq.read_table(path)
    ids = table["tweet_id"].to_pylist()
    ids[50], ids[51] = ids[51], ids[50]
    other = table.set_column(0, "tweet_id", pa.array(ids, pa.int64()))
    pq.write_table(other, path, row_group_size=40, write_statistics=False, use_dictionary=False, compression="none")


@pytest.fixture
def plain_run(make_run, sample):
    """A scored run whose sample says nothing of its rows in its footer."""
    path = sample.path / "a.parquet"
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=40, write_statistics=False, use_dictionary=False, compression="none")
    return make_run()


def test_a_touched_input_is_another_run(make_run, sample):
    plan, folder = make_run()
    os.utime(sample.path / "a.parquet", ns=(1, 1))
    assert unfinished(plan, folder) == [0, 1, 2]
    with pytest.raises(RunFolderError, match="is no longer the file that run"):
        score_shard(plan, plan.shards[0], folder)
    assert make_run("other", score=False)[0].run_id != plan.run_id


def test_an_input_that_was_moved_with_its_time_counts_again_and_is_read_once(make_run, sample, monkeypatch):
    plan, folder = make_run()
    path = sample.path / "a.parquet"
    keeping_time(path, lambda path: Path(shutil.copy(path, path.with_suffix(".copy"))).replace(path))
    assert renew_and_find_unfinished(plan, folder) == []
    monkeypatch.setattr(wholeness, "read_shard", None)
    assert renew_and_find_unfinished(plan, folder) == []
    assert unfinished(plan, folder) == []


def test_rows_exchanged_with_size_footer_and_time_kept_are_found_by_all_who_read_again(plain_run, make_run, sample):
    plan, folder = plain_run
    path = sample.path / "a.parquet"
    digest = file_digest(path)
    keeping_time(path, exchange_two_ids)
    assert (file_digest(path), make_run("again", score=False)[0].run_id) == (digest, plan.run_id)
    assert unfinished(plan, folder) == [1]
    for launch in (lambda: renew_and_find_unfinished(plan, folder), lambda: score_shard(plan, plan.shards[1], folder)):
        with pytest.raises(RunFolderError, match=r"other rows than when shard 1 .* give the run another run_name"):
            launch()
    with pytest.raises(RunFolderError, match=r"1 of 3 shards .* are unfinished \(first: \[1\]\)"):
        write_manifest(plan, folder, Launch(0, 0))
    (finding,) = (found for found in Verification(folder.path).findings() if found.kind != "missing")
    assert finding.path == "receipts/00001.json"
    assert "a.parquet has other rows than shard 1 was scored from" in finding.problem


def test_an_input_that_changes_between_two_shards_does_not_finish_a_run_of_both(plain_run, sample):
    plan, folder = plain_run
    folder.receipt_path(2).unlink()
    keeping_time(sample.path / "a.parquet", exchange_two_ids)
    score_shard(plan, plan.shards[2], folder)
    with pytest.raises(RunFolderError, match=r"1 of 3 shards .* are unfinished \(first: \[1\]\)"):
        write_manifest(plan, folder, Launch(0, 0))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_logit_that_is_not_finite_is_an_error_before_the_sigmoid(make_run, monkeypatch, value):
    plan, folder = make_run(score=False)
    score_shard(plan, plan.shards[0], folder)  # which opens the engine models, canaries and all

    def overflow(engine, rows, *_):
        logits = np.zeros((len(rows), 2), dtype=np.float32)
        logits[3:5, 1] = value
        return logits

    monkeypatch.setattr(Engine, "logits", overflow)
    with pytest.raises(ModelFolderError, match=r"shard 1, label 'positive': 2 of 40 texts have logits"):
        score_shard(plan, plan.shards[1], folder)
    assert not folder.receipt_path(1).exists()


def test_an_input_replaced_after_planning_is_not_scored(make_run, sample):
    plan, folder = make_run(score=False)
    path = sample.path / "a.parquet"
    pq.write_table(pq.read_table(path).slice(0, 50), path)
    with pytest.raises(RunFolderError, match="is no longer the file that run"):
        score_shard(plan, plan.shards[0], folder)
    with pytest.raises(RunFolderError, match="is no longer the file"):
        write_manifest(plan, folder, Launch(0, 0))


def test_texts_that_are_not_utf8_are_quarantined_with_their_bytes(make_run, sample):
    texts = pa.array([b"good word1", b"\xff\xfe broken", b"word2", None]).view(pa.string())
    pq.write_table(pa.table({"tweet_id": [1, 2, 3, 4], "text": texts}), sample.path / "a.parquet")
    plan, folder = make_run()
    assert outputs(folder)["tweet_id"].to_pylist() == [1, 3]
    quarantined = pq.read_table(folder.quarantine_path(0))
    assert quarantined["reason"].to_pylist() == ["text is not UTF-8", "text is null"]
    assert quarantined["text"].to_pylist() == [b"\xff\xfe broken", None]
    assert write_manifest(plan, folder, Launch(4, 1.0))["counts"]["rows_quarantined"] == 2


def test_a_shard_scored_again_leaves_no_quarantine_of_an_earlier_try(make_run):
    plan, folder = make_run()
    foreign = folder.quarantine_path(0)
    foreign.write_text("of an earlier try")
    folder.receipt_path(0).unlink()
    score_shard(plan, plan.shards[0], folder)
    assert not foreign.exists()
    assert folder.quarantine_path(2).exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"shard": 1}'])
def test_a_receipt_that_cannot_be_read_does_not_count(make_run, content):
    plan, folder = make_run()
    folder.receipt_path(1).write_text(content)
    assert unfinished(plan, folder) == [1]


def test_a_part_altered_at_its_size_is_found_before_the_manifest_is_written(make_run):
    plan, folder = make_run()
    path = folder.output_path("negative", 2)
    content = bytearray(path.read_bytes())
    content[20:40] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"1 files .* are not what their shards wrote: .*part-00002"):
        write_manifest(plan, folder, Launch(0, 0))


def test_the_manifest_balances_and_a_finished_runs_manifest_is_left_alone(make_run):
    plan, folder = make_run()
    manifest = write_manifest(plan, folder, Launch(97, 1.0))
    assert manifest["counts"]["rows_in"] == 97
    assert manifest["counts"]["rows_out"] == {"positive": 95, "negative": 95}
    assert manifest["counts"]["rows_quarantined"] == 2
    stamp = folder.manifest_path.stat().st_mtime_ns
    assert write_manifest(plan, folder, Launch(0, 9.0)) == manifest
    assert folder.manifest_path.stat().st_mtime_ns == stamp


def test_a_run_with_unfinished_shards_gets_no_manifest(make_run):
    plan, folder = make_run()
    folder.receipt_path(0).unlink()
    with pytest.raises(RunFolderError, match=r"1 of 3 shards .* are unfinished \(first: \[0\]\)"):
        write_manifest(plan, folder, Launch(0, 0))
    assert not folder.manifest_path.exists()


def test_a_row_lost_behind_a_receipts_back_does_not_balance(make_run):
    plan, folder = make_run()
    path = folder.output_path("positive", 1)
    size = path.stat().st_size
    pq.write_table(pq.read_table(path).slice(1), path, compression="none")
    receipt, name = read_receipt(folder, 1), "output/positive/part-00001.parquet"
    files, sha256 = receipt.files | {name: path.stat().st_size}, receipt.sha256 | {name: sha256_of_file(path)}
    assert path.stat().st_size != size
    write_receipt(replace(receipt, files=files, sha256=sha256), folder)
    with pytest.raises(RunFolderError, match=r"label 'positive' .* does not balance: 97 rows in, but 94 scored and 2"):
        write_manifest(plan, folder, Launch(0, 0))


def test_string_ids_are_carried_through(make_run, sample):
    texts = make_sentences(10, seed=1)
    table = pa.table({"tweet_id": [f"amazon-1_{n:03}" for n in range(10)], "text": texts})
    pq.write_table(table, sample.path / "a.parquet")
    _, folder = make_run()
    assert outputs(folder)["tweet_id"].to_pylist() == table["tweet_id"].to_pylist()


def test_ids_that_are_not_utf8_are_quarantined_with_their_bytes(make_run, sample):
    ids = pa.array([b"a-1", b"\xff2", None], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"tweet_id": ids, "text": ["good", "bad", "word1"]}), sample.path / "a.parquet")
    plan, folder = make_run()
    assert outputs(folder)["tweet_id"].to_pylist() == ["a-1"]
    quarantined = pq.read_table(folder.quarantine_path(0))
    assert quarantined.to_pylist() == [
        {"tweet_id": None, "text": b"bad", "reason": "id is not UTF-8: b'\\xff2'"},
        {"tweet_id": None, "text": b"word1", "reason": "id is null"},
    ]
    assert write_manifest(plan, folder, Launch(3, 1.0))["counts"]["duplicate_ids"] == 0


def test_the_best_scored_are_found_with_their_texts(make_run, sample):
    plan, folder = make_run()
    write_manifest(plan, folder, Launch(plan.rows, 1.0))
    table = outputs(folder).to_pandas().sort_values(["score", "tweet_id"], ascending=[False, True])
    best = top_scored(folder, "positive", 5)
    assert [row["tweet_id"] for row in best] == table["tweet_id"].head(5).tolist()
    assert [row["text"] for row in best] == [TEXTS[2**63 - 1 - row["tweet_id"]] for row in best]


@pytest.fixture
def own_engines(make_run, tiny_engines, tmp_path):
    """A planned run whose engine models lie in folders that may be changed."""
    plan, folder = make_run(score=False)
    uses = tuple(
        replace(use, folder=str(shutil.copytree(use.folder, tmp_path / "engines" / use.label))) for use in plan.engines
    )
    close_engines()
    yield replace(plan, inputs=replace(plan.inputs, engines=uses)), folder, tmp_path / "engines"
    close_engines()


def change_engine(**changes):
    return lambda engine: write_engine_model(replace(read_engine_model(engine), **changes))


def put_the_other_labels_there(engine):
    other = engine.with_name("negative" if engine.name == "positive" else "positive")
    shutil.rmtree(engine)
    shutil.copytree(other, engine)


def swap_tokenizer(engine):
    """Let the tokenizer put two words in place of each other, and vouch for it."""
    model, path = read_engine_model(engine), engine / "tokenizer.json"
    path.write_text(path.read_text().replace('"good"', '"dog"').replace('"bad"', '"good"').replace('"dog"', '"bad"'))
    write_engine_model(replace(model, files=model.files | {"tokenizer.json": sha256_of_file(path)}))


def swap_tokenizer_alone(engine):
    with (engine / "tokenizer.json").open("a") as file:
        file.write(" ")


@pytest.mark.parametrize("label", ["positive", "negative"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_engine(positive_index=0), "holds another engine model than was planned: .*column 0"),
        (change_engine(canary_tolerance=0.1), "another engine model than was planned: .*canary tolerance 0.1"),
        (change_engine(canary_tolerance=float("inf")), "makes no sense: its canaries may differ by inf"),
        (change_engine(label="other"), "another engine model than was planned: .*label 'other'"),
        (change_engine(preprocessing="tweet"), "preprocessing 'tweet' makes other texts"),
        (change_engine(head="multi_label"), "another engine model than was planned"),
        (put_the_other_labels_there, "another engine model than was planned: .*label '"),
        (swap_tokenizer, "another engine model than was planned"),
        (swap_tokenizer_alone, "tokenizer.json has sha256"),
    ],
)
def test_an_engine_model_that_is_another_than_planned_scores_nothing(own_engines, label, change, message):
    plan, folder, engines = own_engines
    change(engines / label)
    with pytest.raises(ModelFolderError, match=message):
        score_shard(plan, plan.shards[0], folder)
    assert not folder.output_path(label, 0).exists()
    assert not folder.receipt_path(0).exists()
