"""Groups of tests are of files that exist, and a file is in one group."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.scheduling import GROUPS, LONGEST_FIRST, group_of, pytest_collection_modifyitems

ROOT = Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("begin", GROUPS)
def test_each_group_has_files(begin):
    assert [path for path in FILES if group_of(f"{path}::test_it") == GROUPS[begin] and path.startswith(begin)]


@pytest.mark.parametrize("begin", LONGEST_FIRST)
def test_each_turn_has_files(begin):
    assert [path for path in FILES if group_of(path).startswith(begin)]


def test_long_groups_come_first_and_a_group_stays_together():
    wanted = [
        "tests/slurm/test_round.py::test_a",
        "tests/flows/test_inference.py::test_b",
        "tests/flows/test_main_job.py::test_c",
        "tests/core/base/test_files.py::test_d",
        "tests/core/base/test_files.py::test_e",
        "tests/core/base/test_naming.py::test_f",
    ]
    items = [SimpleNamespace(nodeid=wanted[place]) for place in (3, 5, 1, 4, 0, 2)]
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == wanted
