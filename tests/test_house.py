"""The script that counts the house counts a small planted one rightly."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLANTED = {
    "README.md": "one\ntwo\n",
    "tasks/__init__.py": '"""Empty."""\n',
    "tasks/core/__init__.py": "",
    "tasks/core/base/__init__.py": "",
    "tasks/core/base/files.py": "def read():\n    def line():\n        return 1\n\n    return line\n",
    "tasks/core/base/names.py": "from tasks.core.base.files import read\n\nprint(read)\n",
    "tasks/core/runs/__init__.py": "",
    "tasks/core/runs/plan.py": "import json\n\nimport tasks.core.base.files\nfrom tasks.core.base import names\n",
    "tasks/core/runs/status.py": "def f():\n    from tasks.core.base.names import x\n    return x\n",
    "tasks/shards.py": "from .core.runs.plan import Plan\n",
    "flows/scoring.py": "@flow\nasync def scoring():\n    import tasks.shards\n    import flows.names, pandas\n",
    "flows/names.py": "from tasks.core import runs\nfrom tasks import shards\n",
    "infra/odd.py": "from infra import odd\nfrom flows.names import y\n",
    "tests/test_plan.py": "from tasks.core.runs.plan import Plan\n\n\ndef test_it():\n    pass\n",
}
"""Its rooms are base, runs, tasks, flows and infra; arrows: runs -> base, tasks -> runs, flows -> tasks and runs,
infra -> flows."""


def count(folder):
    command = [sys.executable, "-m", "tests.benchmarks.house", str(folder)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def plant(folder, more=()):
    for path, text in {**PLANTED, **dict(more)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_it_counts_files_functions_rooms_and_arrows(tmp_path):
    found = count(plant(tmp_path))
    assert found["source"] == {
        "files": 12,
        "lines": 25,
        "file_lines": {"median": 2.0, "p90": 4, "max": 5},
        "functions": 4,
        "function_lines": {"median": 3.0, "p90": 5, "max": 5},
    }
    assert (found["tests"]["files"], found["tests"]["lines"]) == (1, 5)
    assert (found["rooms"], found["modules_of_the_largest_room"]) == (5, 2)
    assert (found["arrows"], found["pairs_that_import_from_each_other"]) == (5, 0)
    assert found["readme_lines"] == 2


def test_it_sees_rooms_that_import_from_each_other(tmp_path):
    found = count(plant(tmp_path, {"tasks/core/base/late.py": "from tasks.core.runs.plan import Plan\n"}))
    assert (found["arrows"], found["pairs_that_import_from_each_other"]) == (6, 1)
