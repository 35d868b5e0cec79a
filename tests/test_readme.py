"""What README.md says is so: commands exist, paths exist, links lead somewhere."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tasks.core.round.model import Round

ROOT = Path(__file__).parents[1]
BINARIES = Path(sys.executable).parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md"]


def commands(document: str) -> list[str]:
    """Return the lines of the document's shell blocks that are commands."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line and not line.startswith("#")]


def all_commands():
    return [(document, command) for document in DOCUMENTS for command in commands(document)]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def help_of(program: str, *words: str) -> str:
    done = subprocess.run([BINARIES / program, *words, "--help"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, f"{program} {' '.join(words)}: {done.stderr}"
    return done.stdout


def test_the_two_commands_are_there():
    found = [command for _, command in all_commands()]
    assert {"make demo", "make test"} <= set(found)


@pytest.mark.parametrize(("document", "command"), all_commands())
def test_every_command_exists(document, command):
    program, *words = command.split()
    program = program.removeprefix(".venv/bin/")
    if program == "make":
        assert words[0] in make_targets()
    elif program == "winnow":
        help_of("winnow", words[0])
    elif program == "prefect":
        text = help_of("prefect", *words[:2])
        for option in (word for word in words if word.startswith("--")):
            assert option in text
    else:
        assert program in {"python3", "fresh/bin/pip"}, f"{document} has the unknown command {command}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_and_link_exists(document):
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    paths = re.findall(r"`((?:flows|tasks|deployments|infra|tests)/[\w./-]*)`", text)
    assert paths
    for path in links + paths:
        assert (ROOT / path).exists(), f"{document} names {path}"


def test_every_example_of_a_round_files_keys_is_accepted():
    """Each YAML block of the README is put into the shipped round."""
    shipped = yaml.safe_load((ROOT / "deployments" / "rounds" / "us-iter0.yaml").read_text())
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        for key, given in yaml.safe_load(block).items():
            content = shipped | {key: shipped.get(key, {}) | given}
            assert getattr(Round.model_validate(content), key) is not None


def test_every_deployment_named_belongs_to_a_shipped_round():
    rounds = {path.stem for path in (ROOT / "deployments" / "rounds").glob("*.yaml")}
    named = re.findall(r"\b(?:training|conversion|inference)/([a-z]+-[\w-]+)", (ROOT / "README.md").read_text())
    assert named
    assert set(named) <= rounds
