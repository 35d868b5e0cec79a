"""The example of reading results, as the README has it, run on a run and a sample that lie where it says."""

import shutil
import subprocess
import sys

from tests.support.documents import python_blocks
from tests.support.ranked_runs import run_of_texts
from tests.support.told_rounds import HOSTILE

FOLDER = "runs/iter_0-main-3f9a0c11d2e4-evaluation"


def test_the_example_of_the_readme_finds_the_best_texts(tmp_path):
    (example,) = [block for block in python_blocks("tasks/core/runs/README.md") if "duckdb" in block]
    assert FOLDER in example
    run = run_of_texts(tmp_path / "made")
    shutil.copytree(run.folder.path, tmp_path / FOLDER)
    shutil.copytree(run.sample.path, tmp_path / "sample")
    script = f"{example}\nfor row in best.fetchall():\n    print(ascii(row[3]))\n"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-4:] == [ascii(text) for text in HOSTILE[:4]]
