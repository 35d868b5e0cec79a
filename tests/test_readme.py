"""What the documents say is so: commands, paths, links and examples; and they stay short enough to be read."""

import importlib.util
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from deployments.cli import app
from tasks.core.round.model import Round
from tests.support.documents import ROOT, anchors, links, shell_commands

FOLDERS = ("deployments", "flows", "infra", "tasks", "tests")
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
DATA_CARD = "deployments/demo/data/README.md"
"""Says whose the demo's texts are, with their licence word for word."""
DOCUMENTS = sorted(
    {
        *TOP,
        "deployments/rounds/REFERENCE.md",
        *(path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("README.md")),
    }
    - {DATA_CARD}
)
BINARIES = Path(sys.executable).parent
OTHER_PROGRAMS = {".", "python3", "fresh/bin/pip", "pip", "pre-commit", "pytest", "sh"}
WITHIN_TWO_HOPS = {
    "tasks/core/engines/batching.py": "where a batch is formed",
    "tasks/core/runs/shards/receipts.py": "where a receipt is written",
    "tasks/core/conversion/parity/gate.py": "where the gate decides",
    "infra/slurm/script.py": "where the text of a SLURM job is made",
    "deployments/rounds/REFERENCE.md": "what every key of the round file means",
}


def all_commands():
    return [(document, command) for document in DOCUMENTS for command in shell_commands(document)]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def winnow_command(words: list[str]) -> Any:
    """Return the command that the words name, of the program itself."""
    command: Any = typer.main.get_command(app)
    for word in words:
        commands = getattr(command, "commands", {})
        if not commands:
            break
        assert word in commands, f"`winnow {' '.join(words)}` is none; there are {sorted(commands)}"
        command = commands[word]
    return command


@cache
def prefect_help(*words: str) -> str:
    done = subprocess.run(
        [BINARIES / "prefect", *words, "--help"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, f"prefect {' '.join(words)}: {done.stderr}"
    return done.stdout


def test_the_documents_are_found():
    assert {"tasks/core/README.md", "tasks/core/conversion/README.md", "infra/README.md", *TOP} <= set(DOCUMENTS)


def test_the_commands_to_begin_with_are_there():
    assert {"make demo", "make up"} <= set(shell_commands("README.md"))
    assert {"make check", "make test", "make drills"} <= set(shell_commands("CONTRIBUTING.md"))


@pytest.mark.parametrize(("document", "command"), all_commands())
def test_every_command_exists(document, command):
    program, *words = command.split()
    program = program.removeprefix(".venv/bin/")
    options = [word for word in words if word.startswith("--")]
    if program == "make":
        assert words[0] in make_targets()
    elif program == "winnow":
        known = {option for parameter in winnow_command(words).params for option in parameter.opts}
        assert set(options) <= known
    elif program == "prefect":
        assert all(option in prefect_help(*words[:2]) for option in options)
    elif program == "python":
        assert importlib.util.find_spec(words[words.index("-m") + 1])
    else:
        assert program in OTHER_PROGRAMS, f"{document} has the unknown command {command}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_named_in_a_sentence_exists(document):
    text = (ROOT / document).read_text()
    for target in re.findall(r"`make ([a-z]+)", text):
        assert target in make_targets()
    for words in re.findall(r"`winnow ([a-z]+(?:-[a-z]+)*(?: [a-z]+)?)", text):
        winnow_command(words.split())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_benchmark_named_is_there(document):
    for name in re.findall(r"make bench NAME=([a-z_]+)", (ROOT / document).read_text()):
        assert (ROOT / "tests" / "benchmarks" / f"{name}.py").exists()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_and_link_leads_somewhere(document):
    for path in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", (ROOT / document).read_text()):
        assert (ROOT / path).exists(), f"{document} names {path}"
    for path, anchor in links(document):
        assert (ROOT / path).exists(), f"{document} links {path}"
        assert not anchor or anchor in anchors(path), f"{document} links #{anchor} of {path}, which has {anchors(path)}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_said_to_be_in_a_file_is_in_it(document):
    for path, name in re.findall(r"\]\(([\w./-]+\.py)\), `(\w+)`", (ROOT / document).read_text()):
        assert f"def {name}(" in ((ROOT / document).parent / path).read_text(), f"{document} says {name} is in {path}"


@pytest.mark.parametrize("wanted", WITHIN_TWO_HOPS, ids=WITHIN_TWO_HOPS.get)
def test_a_reader_finds_it_from_the_readme_in_two_hops(wanted):
    one = {path for path, _ in links("README.md")}
    two = {path for document in one if document.endswith(".md") for path, _ in links(document)}
    assert wanted in one | two


def test_every_document_is_found_from_the_readme():
    found, reached = {"README.md"}, ["README.md"]
    while reached:
        below = {path for path, _ in links(reached.pop()) if path.endswith(".md")}
        reached += below - found
        found |= below
    assert set(DOCUMENTS) <= found


def test_every_room_of_the_core_is_described():
    rooms = {path.parent.name for path in (ROOT / "tasks" / "core").glob("*/__init__.py")}
    described = {path.removeprefix("tasks/core/") for path, _ in links("tasks/core/README.md")}
    assert rooms <= described


def test_every_example_of_a_round_files_keys_is_accepted():
    """Each YAML block of the documents is put into the shipped round."""
    shipped = yaml.safe_load((ROOT / "deployments" / "rounds" / "us-iter0.yaml").read_text())
    texts = [(ROOT / document).read_text() for document in DOCUMENTS]
    blocks = [block for text in texts for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) >= 4
    for block in blocks:
        for key, given in yaml.safe_load(block).items():
            content = shipped | {key: shipped.get(key, {}) | given}
            assert getattr(Round.model_validate(content), key) is not None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_deployment_named_belongs_to_a_round_that_ships(document):
    rounds = {path.stem for path in (ROOT / "deployments" / "rounds").rglob("*.yaml")}
    named = re.findall(r"\b(?:training|conversion|inference)/([a-z]+-[\w-]+)", (ROOT / document).read_text())
    assert set(named) <= rounds


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_line_is_too_long_to_read(document):
    long = [line for line in (ROOT / document).read_text().splitlines() if len(line) > 120]
    assert long == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
