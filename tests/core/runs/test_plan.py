import dataclasses
import shutil

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.base.errors import ModelFolderError, RunFolderError
from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import _cut_files
from tasks.core.runs.plan_file import read_plan, write_plan
from tests.support.plans import plan_of
from tests.support.records import change_plan
from tests.support.round_files import write_sample


@pytest.fixture
def sample(tmp_path):
    return Sample(path=write_sample(tmp_path / "sample", 230, files=2, row_group_size=30))


@pytest.fixture
def settings(tmp_path):
    return Inference(output_path=tmp_path / "runs", shard_rows=50, batch_tokens=512)


@pytest.fixture
def plan(sample, settings, tiny_engines):
    return plan_of(sample, tiny_engines, settings)


groups = st.lists(st.lists(st.integers(0, 70), max_size=6), max_size=4)


@given(groups, st.integers(1, 60), st.none() | st.integers(1, 300))
def test_shards_cover_every_row_once_and_in_order(groups, shard_rows, limit):
    files = [SampleFile(f"/{n}", str(n), tuple(rows), "x", "int64", 1) for n, rows in enumerate(groups)]
    cut = list(_cut_files(files, shard_rows, limit))
    covered = [(name, row) for name, start, stop in cut for row in range(start, stop)]
    rows = [(file.name, row) for file in files for row in range(file.rows)]
    assert covered == rows[:limit]
    assert all(0 < stop - start <= shard_rows for _, start, stop in cut)


def test_shards_are_cut_at_row_groups(plan):
    assert [(shard.start, shard.stop) for shard in plan.shards if shard.file == "part-0.parquet"] == [
        (0, 30),
        (30, 60),
        (60, 90),
        (90, 115),
    ]


def test_a_plan_is_read_as_it_was_written(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    assert read_plan(folder) == plan
    assert read_plan(folder).sample_root == plan.sample_root
    assert pq.read_table(folder.plan_path)["rows"].to_pylist() == [shard.rows for shard in plan.shards]


def test_the_run_id_follows_what_changes_scores(plan, sample, settings, tiny_engines):
    files = list_sample(sample)

    def run_id(sample=sample, files=files, engines=tiny_engines, limit=None, **changes):
        changed = settings.model_copy(update=changes)
        return plan_of(sample, engines, changed, limit, files).run_id

    assert run_id() == plan.run_id
    other = dataclasses.replace(tiny_engines["positive"], max_length_tokens=16)
    same_length = dataclasses.replace(tiny_engines["negative"], max_length_tokens=16)
    assert run_id(engines={"positive": other, "negative": same_length}) != plan.run_id
    assert run_id(engines={"positive": tiny_engines["positive"]}) != plan.run_id
    assert run_id(files=files[:1]) != plan.run_id
    assert run_id(limit=100) != plan.run_id
    assert run_id(batch_tokens=1024) != plan.run_id
    assert run_id(shard_rows=60) != plan.run_id


def test_a_moved_sample_is_the_same_run(plan, sample, settings, tiny_engines, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    moved = Sample(path=shutil.move(sample.path, tmp_path / "elsewhere"))
    again = plan_of(moved, tiny_engines, settings)
    assert again == plan
    write_plan(again, folder)
    assert read_plan(folder).sample_root == str(moved.path)


def test_a_folder_with_another_plan_is_refused(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    other = dataclasses.replace(plan, run_id="0" * 12)
    with pytest.raises(RunFolderError, match="holds another plan"):
        write_plan(other, folder)
    assert read_plan(folder) == plan


def test_a_torn_plan_is_refused(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    folder.plan_path.write_bytes(folder.plan_path.read_bytes()[:-9])
    with pytest.raises(RunFolderError, match="cannot be read"):
        read_plan(folder)


def test_engine_models_that_take_different_input_are_refused(sample, settings, tiny_engines):
    mixed = tiny_engines | {"negative": dataclasses.replace(tiny_engines["negative"], max_length_tokens=16)}
    with pytest.raises(ModelFolderError, match="do not take the same input"):
        plan_of(sample, mixed, settings)


def test_the_rounds_name_is_kept_and_tells_no_plans_apart(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    assert read_plan(folder).round_name == ""
    for name, kept in (("ar-iter0", "ar-iter0"), ("", "ar-iter0"), ("mx-iter0", "mx-iter0")):
        named = dataclasses.replace(plan, round_name=name)
        assert (named, named.run_id) == (plan, plan.run_id)
        write_plan(named, folder)
        assert read_plan(folder).round_name == kept


def test_a_plan_whose_inputs_were_altered_is_refused(plan, tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_plan(plan, folder)
    change_plan(folder.plan_path, lambda said: said | {"inputs": said["inputs"] | {"batch_tokens": 513}})
    with pytest.raises(RunFolderError, match=f"says it is of run {plan.run_id}, but its inputs are those of run"):
        read_plan(folder)
