"""Groups of tests are of files that exist, and a file is in one group."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.scheduling import GROUPS, WAITING, group_of, in_order, pytest_collection_modifyitems

ROOT = Path(__file__).parents[1]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("begin", GROUPS)
def test_each_group_has_files(begin):
    assert [path for path in FILES if group_of(f"{path}::test_it") == GROUPS[begin] and path.startswith(begin)]


@pytest.mark.parametrize("begin", WAITING)
def test_each_turn_has_files(begin):
    assert [path for path in FILES if group_of(path).startswith(begin)]


def test_a_group_stays_together():
    wanted = [
        "tests/flows/test_inference.py::test_a",
        "tests/flows/test_main_job.py::test_b",
        "tests/core/base/test_files.py::test_c",
        "tests/core/base/test_files.py::test_d",
        "tests/core/base/test_naming.py::test_e",
    ]
    items = [SimpleNamespace(nodeid=wanted[place]) for place in (2, 0, 4, 3, 1)]
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == wanted


def test_groups_that_wait_have_others_between_them_that_compute_and_are_not_the_last():
    computing = [f"tests/core/{letter}" for letter in "abcde"]
    ordered = in_order([*computing, "tests/services/x", "tests/ui/y", "slurm"])
    assert [group for group in ordered if group in computing] == computing
    assert [ordered.index(group) for group in ("slurm", "tests/services/x", "tests/ui/y")] == [0, 2, 4]
