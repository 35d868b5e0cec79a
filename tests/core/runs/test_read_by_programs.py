"""The examples of reading results, as the READMEs have them, run on runs and samples that lie where they say."""

import shutil
import subprocess
import sys

from tests.support.documents import python_blocks
from tests.support.labelled_files import delimited
from tests.support.ranked_runs import run_of_texts
from tests.support.told_rounds import HOSTILE, make_round, score_round

FOLDER = "runs/iter_0-main-3f9a0c11d2e4-evaluation"


def test_the_example_of_run_folders_finds_the_best_texts(tmp_path):
    (example,) = [block for block in python_blocks("tasks/core/runs/README.md") if "duckdb" in block]
    assert FOLDER in example
    run = run_of_texts(tmp_path / "made")
    shutil.copytree(run.folder.path, tmp_path / FOLDER)
    shutil.copytree(run.sample.path, tmp_path / "sample")
    script = f"{example}\nfor row in best.fetchall():\n    print(ascii(row[3]))\n"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-4:] == [ascii(text) for text in HOSTILE[:4]]


def test_the_example_of_the_first_readme_shows_the_best_texts_of_a_round(tiny_bert, tiny_engines, tmp_path):
    (example,) = python_blocks("README.md")
    texts = [f"good text {number}" for number in range(30)]
    score_round(make_round(tmp_path, tiny_bert, texts, screening=False), tiny_engines)
    delimited(tmp_path / "texts.csv", ("id", "text"), [(f"id-{number}", text) for number, text in enumerate(texts)])
    script = example.replace("deployments/rounds/gb-iter0.yaml", "us-iter0.yaml")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.count("good text") == 2 * 10
