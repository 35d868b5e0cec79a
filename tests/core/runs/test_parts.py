"""The score file: one module knows it, and a path is a name, whatever stands in it."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import RunFolderError
from tasks.core.inference.scoring import score_shard
from tasks.core.ranking.top_scored import top_scored
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.part_groups import read_groups
from tasks.core.runs.parts import read_part, score_table, write_part
from tasks.core.runs.plan_file import read_plan, write_plan
from tests.support.plans import plan_of
from tests.support.round_files import write_sample

ROOT = Path(__file__).parents[3]
STRANGE = ["year=2026", "us[0-9]*", "a?b", "it's {1,2}"]
READERS = {"read_table", "read_parquet", "ParquetDataset"}
KNOWERS = {
    "tasks/core/runs/parts.py": "the contract",
    "tasks/core/base/parquet.py": "reads any file of Winnow's own",
    "tasks/core/corpus/labelled/added_rows.py": "reads a snapshot of labels, which is no score file",
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_run_below_a_folder_of_any_name_is_scored_balanced_verified_and_ranked(name, tiny_engines, tmp_path):
    sample = Sample(path=write_sample(tmp_path / "texts", 60))
    settings = Inference(output_path=tmp_path / name, shard_rows=20, batch_tokens=512)
    plan = plan_of(sample, tiny_engines, settings)
    folder = RunFolder(tmp_path / name / "run")
    write_plan(plan, folder)
    assert read_plan(folder) == plan
    for shard in plan.shards:
        score_shard(plan, shard, folder)
    assert read_part(folder.output_path("positive", 0)).column_names == ["tweet_id", "score"]
    assert write_manifest(plan, folder, Launch(60, 1.0))["counts"]["rows_out"] == {"positive": 60, "negative": 60}
    assert list(Verification(folder.path).findings()) == []
    best = top_scored(folder, "positive", 5)
    assert [set(row) for row in best] == [{"rank", "tweet_id", "score", "stage", "text"}] * 5


@pytest.mark.parametrize("name", STRANGE)
def test_a_sample_below_a_folder_of_any_name_gives_its_texts(name, make_run, tmp_path):
    plan, folder = make_run()
    write_manifest(plan, folder, Launch(plan.rows, 1.0))
    moved = tmp_path / name
    Path(plan.sample_root).rename(moved)
    with pytest.raises(RunFolderError, match="no longer the file that run"):
        top_scored(folder, "positive", 3)
    there = replace(plan, sample_root=str(moved))
    assert there == plan
    write_plan(there, folder)
    assert len(top_scored(folder, "positive", 3)) == 3


def test_brackets_in_a_path_match_no_other_file(tmp_path):
    for name, score in (("run[1]", 0.1), ("run1", 0.9)):
        write_part(score_table(pa.chunked_array([[1, 2]]), np.full(2, score)), tmp_path / name / "part.parquet")
    (group,) = read_groups(tmp_path / "run[1]" / "part.parquet")
    assert group.scores.tolist() == [0.1, 0.1]


def knows_parts(source):
    """Return how a module reads Parquet by a path that is more than a name, or spells a column of the score file."""
    tree = ast.parse(source)
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    readers = {call.attr for call in calls if isinstance(call, ast.Attribute)} & READERS
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    spelled = {node.value for node in texts if id(node) not in prose and node.value in {"tweet_id", "score"}}
    queried = {"read_parquet" for node in texts if id(node) not in prose and "read_parquet(" in node.value}
    return readers | spelled | queried


def test_one_module_knows_the_score_file():
    paths = [*(ROOT / "tasks" / "core").rglob("*.py"), *(ROOT / "flows").glob("*.py"), *(ROOT / "tasks").glob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): knows_parts(path.read_text()) for path in paths}
    known = {path: names for path, names in found.items() if names and path not in KNOWERS}
    # A sample's and a round file's default name of the id column, which the user may change.
    assert known == {"tasks/core/round/sections.py": {"tweet_id"}}


@pytest.mark.parametrize(
    "source",
    [
        "pq.read_table(path)",
        'table["score"]',
        'connection.execute("select * from read_parquet($x)")',
        'pa.table({"tweet_id": ids})',
    ],
)
def test_a_second_place_that_knows_it_is_found(source):
    assert knows_parts(source)
