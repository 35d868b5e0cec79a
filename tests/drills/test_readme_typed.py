"""README, typed from its first command to its last in a fresh clone: each ends well, and shows what README says.

What the working tree has and HEAD has not is not in the clone.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.core.exchange.batch import list_batches, read_batch
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.round_runs import whole_runs
from tests.drills.bash import Bash
from tests.support.answers import HEADER
from tests.support.documents import ROOT, Step, steps
from tests.support.labelled_files import delimited
from tests.support.own_files import write_own_files
from tests.support.ports import free_port
from tests.support.told_rounds import true_by_rank

ROUND_FILE = "deployments/rounds/us-iter0.yaml"
IMPORT = f"winnow labels import {ROUND_FILE}"
OWN = {
    "make up STACK=full": (
        "make up",
        "another stack's servers know nothing of the demo's models; tests/services/test_full_stack.py starts one",
    ),
    "winnow status runs/iter_0-main-3f9a0c11d2e4-evaluation": ("winnow status {run_folder}", "the run has its own id"),
    f"{IMPORT} ~/Downloads/sampling-3f9a0c11d2e4-ana.csv": (f"{IMPORT} {{sampling}}", "a person labels the sheet"),
    f"{IMPORT} ~/Downloads/evaluation-5c1e88a0b7d4-ana.csv": (f"{IMPORT} {{evaluation}}", "and the second one"),
}
"""What of README is a cluster's or a person's own: what is typed instead, and why."""
STRANGE = ("PREFECT_", "MLFLOW_", "WINNOW_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
"""Variables that begin so are of who runs this test, and no reader's."""


@dataclass
class Reader:
    """Who types, and the clone."""

    bash: Bash
    clone: Path

    def fill_in(self, command: str) -> str:
        """Put what is the reader's own into what is typed instead of a command of README."""
        wanted = re.findall(r"{(\w+)}", command)
        return command.format(**{name: self._own(name) for name in wanted})

    def _own(self, name: str) -> Path:
        round_ = read_round(self.clone / ROUND_FILE)
        if name == "run_folder":
            _, run = next(whole_runs(round_, "main", "evaluation"))
            return run.path
        return _labelled(round_, name, self.clone.parent)


def _labelled(round_: Round, kind: str, folder: Path) -> Path:
    """Answer a round's batch of a kind, and return the file as its sheet saves it."""
    (batch,) = [read_batch(path) for path in list_batches(round_) if path.name.startswith(kind)]
    name, draws = batch.folder.name, batch.draws.to_pylist()
    rows = [(name, row["tweet_id"], row["label"], "ana", "yes" if true_by_rank(row) else "no") for row in draws]
    return delimited(folder / f"{name}-ana.csv", ("batch", *HEADER), rows)


@pytest.fixture(scope="module")
def reader():
    """A reader in a fresh clone of HEAD, whose services have ports of their own, and whose browser shows nothing."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-readme-"))
    clone = folder / "winnow"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    write_own_files(clone)
    ports = {"WINNOW_PREFECT_PORT": str(free_port()), "WINNOW_MLFLOW_PORT": str(free_port())}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STRANGE)}
    bash = Bash(clone, kept | ports | {"BROWSER": "true", "COLUMNS": "200"})
    yield Reader(bash, clone)
    bash.type("make down")
    bash.close()
    shutil.rmtree(folder)


def loosely(line: str) -> str:
    """Return a line as it is compared: figures, spaces and the mark of what was chosen may differ."""
    return re.sub(r"[\d.,]+(e[+-]\d+)?", "0", " ".join(line.replace("*", "").split()))


def named(step: Step) -> str:
    """Return a step's first line, by which it is known."""
    return step.text.splitlines()[0]


def test_what_is_typed_otherwise_stands_in_readme():
    assert set(OWN) <= {step.text for step in steps("README.md")}


@pytest.mark.drill
@pytest.mark.parametrize("step", steps("README.md"), ids=named)
def test_it_ends_well_and_shows_what_readme_says(reader, step):
    command = (
        f"python - <<'END'\n{step.text}END" if step.is_python else reader.fill_in(OWN.get(step.text, (step.text,))[0])
    )
    begun = time.monotonic()
    status, printed = reader.bash.type(command)
    print(f"{time.monotonic() - begun:7.1f} s  {command}\n{printed}")  # noqa: T201 - seen with -s, or when it fails
    assert status == 0, printed
    found = {loosely(line) for line in printed.splitlines()}
    assert [line for line in step.shown if loosely(line) not in found] == []


@pytest.mark.drill
def test_then_the_page_of_one_s_own_texts_is_there(reader):
    page = (reader.clone / "best.html").read_text(encoding="utf-8")
    assert "gb-iter0" in page
    assert "offensive" in page
