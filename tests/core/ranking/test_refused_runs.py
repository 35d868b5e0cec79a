"""Runs that nothing is ranked by: unfinished, unsound or altered ones; each says what to do."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.ranking.ranked import open_ranked
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import score_table, write_part
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tests.support.scored_runs import scored_run, write_sample_files


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of three shards."""
    folder = tmp_path_factory.mktemp("made")
    table = pa.table({"tweet_id": np.arange(3_000), "text": ["text"] * 3_000})

    def given(_label, shard, ids):
        return np.random.default_rng(shard.number).random(len(ids)), None

    return scored_run(folder, write_sample_files(folder / "sample", [table]), ["positive"], given)


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it, which may be broken."""
    return RunFolder(shutil.copytree(made.folder.path, tmp_path / "run"))


def top(folder):
    with open_ranked(folder, "positive", "expert") as ranked:
        return ranked.top(3_000)


def test_a_sound_run_is_ranked_where_nobody_may_write(folder):
    before = sorted(path for path in folder.path.rglob("*"))
    assert top(folder).num_rows == 3_000
    assert sorted(path for path in folder.path.rglob("*")) == before


def test_an_unfinished_run_is_refused(folder):
    folder.manifest_path.unlink()
    with pytest.raises(
        RunFolderError, match=r"has no manifest.json .* not finished.*Go on with it: winnow rerun .*run"
    ):
        top(folder)


def test_a_missing_part_is_refused_by_name(folder):
    folder.output_path("positive", 1).unlink()
    with pytest.raises(RunFolderError, match=r"(?s)not sound.*1 faults, such as.*missing .*part-00001.*winnow verify"):
        top(folder)


def test_a_missing_receipt_is_refused_by_name(folder):
    folder.receipt_path(2).unlink()
    with pytest.raises(RunFolderError, match=r"(?s)not sound.*receipts/00002.json: the shard is not finished"):
        top(folder)


def test_a_part_of_another_size_is_refused(folder):
    path = folder.output_path("positive", 0)
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(RunFolderError, match=r"(?s)not sound.*part-00000.parquet: it has \d+ bytes"):
        top(folder)


@pytest.mark.parametrize(
    ("alter", "problem"),
    [
        (lambda scores: np.append(scores[:-1], np.nan), "1 of its scores are no numbers"),
        (lambda scores: scores[:-1], "it has 999 rows"),
    ],
)
def test_a_part_altered_with_its_receipt_is_refused(folder, alter, problem):
    path, receipt = folder.output_path("positive", 0), read_receipt(folder, 0)
    ids, scores = pq.read_table(path).columns
    scores = alter(scores.to_numpy())
    write_part(score_table(ids[: len(scores)], scores), path)
    name = path.relative_to(folder.path).as_posix()
    write_receipt(replace(receipt, files={name: path.stat().st_size}), folder)
    with pytest.raises(RunFolderError, match=f"part-00000.parquet is not as scoring wrote it: {problem}"):
        top(folder)


def test_a_torn_part_is_refused(folder):
    path = folder.output_path("positive", 0)
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(RunFolderError, match=r"part-00000.parquet is not as scoring wrote it: it cannot be read"):
        top(folder)
