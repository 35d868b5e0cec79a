"""The hooks before a commit: programs of this machine alone, so that nothing is fetched to run them."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_every_hook_is_local_and_runs_what_set_up_installs():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].split()[0] for hook in hooks} == {".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python"}


def test_every_file_that_a_hook_names_is_there():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    named = [word for hook in hooks for word in hook["entry"].split() if word.startswith("tests/")]
    assert named
    assert all((ROOT / path).is_file() for path in named)
