"""The next round inherits everything but its iteration and the labels that are added."""

import os
import re
from pathlib import Path

import pytest
import yaml

from tasks.core.base.errors import RoundFileError
from tasks.core.exchange.next_round import next_iteration, write_next
from tasks.core.round.round_file import read_round
from tests.support.round_files import write_round

SHIPPED = Path(__file__).parents[3] / "deployments" / "rounds" / "us-iter0.yaml"


def shipped(tmp_path, change=lambda text: text):
    """Return a copy of the demo's round, changed."""
    path = tmp_path / "us-iter0.yaml"
    path.write_text(change(SHIPPED.read_text()))
    return path


def test_comments_and_all_else_of_the_round_are_inherited(tmp_path):
    path = shipped(tmp_path)
    snapshot = read_round(path).work_path / "us" / "us-iter0" / "labels" / "v0001-abc"
    made = write_next(path, snapshot)
    assert made.path == tmp_path / "us-iter1.yaml"
    expected = path.read_text().replace("iteration: iter0", "iteration: iter1")
    expected = expected.replace(
        "labelled_data:\n",
        f"labelled_data:\n  added: [{os.path.relpath(snapshot, tmp_path)}]\n",
    )
    assert made.path.read_text() == expected
    assert read_round(made.path).labelled_data.added == (snapshot,)
    assert made.changes == ("iteration: iter0 -> iter1", f"labelled_data.added: [] -> ['{snapshot}']")
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_the_round_after_the_next_has_both_snapshots(tmp_path):
    path = shipped(tmp_path)
    made = write_next(write_next(path, tmp_path / "one").path, tmp_path / "two: odd'name")
    assert made.path.name == "us-iter2.yaml"
    assert read_round(made.path).labelled_data.added == (tmp_path / "one", tmp_path / "two: odd'name")


@pytest.mark.parametrize(
    ("data", "added"),
    [
        ("{path: x.parquet, id_column: tweet_id}", 0),
        ("\n  path: x.parquet\n  added:\n    - old # kept\n    # and this", 1),
        ("\n  added: [] # none yet\n  path: x.parquet", 0),
        ("\n  added: [old, older]\n  path: x.parquet", 2),
        ("\n  path: x.parquet\n  added:\n  - old\n  text_column: text", 1),
    ],
)
def test_the_snapshot_is_added_in_any_way_of_writing(tmp_path, data, added):
    content = yaml.safe_load(shipped(tmp_path).read_text())
    rest = yaml.safe_dump({key: value for key, value in content.items() if key != "labelled_data"})
    path = tmp_path / "us-iter0.yaml"
    path.write_text(f"{rest}labelled_data: {data}\n")
    made = read_round(write_next(path, tmp_path / "new").path)
    assert len(made.labelled_data.added) == added + 1
    assert made.labelled_data.added[-1] == tmp_path / "new"
    assert "# kept" not in data or "# kept" in (tmp_path / "us-iter1.yaml").read_text()


def test_an_absolute_work_path_gives_an_absolute_snapshot(tmp_path):
    path = write_round(tmp_path, tmp_path / "base")
    made = write_next(path, tmp_path / "work" / "snapshot")
    assert yaml.safe_load(made.path.read_text())["labelled_data"]["added"] == [str(tmp_path / "work" / "snapshot")]


def test_nothing_is_written_over(tmp_path):
    path = shipped(tmp_path)
    made = write_next(path, tmp_path / "one")
    before = made.path.read_text()
    with pytest.raises(RoundFileError, match="is there already and is not written over"):
        write_next(path, tmp_path / "two")
    assert made.path.read_text() == before


def test_a_snapshot_that_is_named_already_is_refused(tmp_path):
    made = write_next(shipped(tmp_path), tmp_path / "one")
    with pytest.raises(RoundFileError, match="there is nothing to add"):
        write_next(made.path, tmp_path / "one")


def test_a_text_that_cannot_be_changed_in_place_is_refused_and_leaves_nothing(tmp_path):
    path = shipped(tmp_path, lambda text: text.replace("iteration: iter0", "iteration: &name iter0"))
    path.write_text(re.sub("(?m)^base_model: .*", "base_model: *name", path.read_text()))
    with pytest.raises(RoundFileError, match="cannot be changed in place"):
        write_next(path, tmp_path / "one")
    assert [file.name for file in tmp_path.iterdir()] == ["us-iter0.yaml"]


@pytest.mark.parametrize("iteration", ["a/b", "../x", "two words", "latest"])
def test_an_iteration_that_no_round_may_have_is_refused(tmp_path, iteration):
    with pytest.raises(RoundFileError, match="is not allowed"):
        write_next(shipped(tmp_path), tmp_path / "one", iteration=iteration)


@pytest.mark.parametrize("key", ["iteration", "labelled_data", "work_path"])
def test_a_key_that_comes_from_a_merge_is_named(tmp_path, key):
    content = yaml.safe_load(SHIPPED.read_text())
    merged = yaml.safe_dump({key: content.pop(key)}, default_flow_style=True)
    path = tmp_path / "us-iter0.yaml"
    path.write_text(f"{yaml.safe_dump(content)}<<: {merged}")
    assert read_round(path).iteration == "iter0"
    with pytest.raises(RoundFileError, match=rf"has \['{key}'\] from a merge"):
        write_next(path, tmp_path / "one")


@pytest.mark.parametrize(("iteration", "following"), [("iter0", "iter1"), ("iter9", "iter10"), ("2024_09", "2024_10")])
def test_iterations_count_on(iteration, following):
    assert next_iteration(iteration) == following


def test_an_iteration_without_a_number_must_be_named(tmp_path):
    with pytest.raises(RoundFileError, match="say --iteration NAME"):
        next_iteration("iter25_pedro")
    made = write_next(shipped(tmp_path), tmp_path / "one", iteration="016")
    assert read_round(made.path).iteration == "016"
