"""`winnow compare` as a person types it: with round files alone, without any server."""

import json
import os
import subprocess

import pytest

from tests.support.commands import BINARIES, assert_taught
from tests.support.round_files import write_round


@pytest.fixture
def round_files(tmp_path, tiny_bert):
    return [str(write_round(tmp_path, tiny_bert, country=country)) for country in ("US", "MX")]


def compare(folder, *words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    environment |= {"WINNOW_HOME": str(folder / "home"), "PREFECT_HOME": str(folder / "prefect")}
    command = [BINARIES / "winnow", "compare", *words]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def test_two_countries_are_set_beside_each_other_without_a_server(tmp_path, round_files):
    done = compare(tmp_path, *round_files, "--out", "paper")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| MX ") == done.stdout.count("| US ") == 2
    assert "prefect deployment run training/mx-iter0" in done.stdout
    content = json.loads((tmp_path / "paper" / "comparison.json").read_text())
    assert content["format"] == 1
    assert {line["measures"]["labels"]["value"] for line in content["lines"]} == {None}
    for name in ("comparison.md", "comparison.csv", "comparison.svg", "comparison.png"):
        assert str((tmp_path / "paper" / name).relative_to(tmp_path)) in done.stdout


def test_a_file_that_is_no_round_is_named(tmp_path, round_files):
    done = compare(tmp_path, round_files[0], "nowhere.yaml")
    assert_taught(done, "nowhere.yaml")
