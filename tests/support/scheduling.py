"""Which tests stay in one process, and in which order the processes of `--numprocesses` take them.

Files that share a costly fixture are one group, so that it is made once; every other file is a group by itself.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    "tests/slurm/test_demo_round.py": "demo round",
    "tests/slurm/": "slurm",
    "tests/drills/test_slurm": "drills on slurm",
    "tests/drills/test_readme_typed.py": "README typed",
    "tests/drills/": "drills",
    "tests/flows/test_main_job.py": "served",
    "tests/flows/test_inference.py": "served",
    "tests/services/test_full_stack": "full stack",
    "tests/services/test_zombies.py": "full stack",
    "tests/services/test_deployments.py": "tests/services/deployed",
    "tests/services/test_winnow_run.py": "tests/services/deployed",
    "tests/services/test_screens.py": "tests/services/deployed",
}
"""By how paths begin; the first that fits counts."""
LONGEST_FIRST = (
    "drills on slurm", "slurm", "README typed", "demo round", "drills", "served", "tests/flows/", "tests/services/",
    "full stack", "tests/core/conversion/", "tests/core/pretraining/", "tests/core/training/",
)  # fmt: skip
"""Groups, by how their names begin, that a process takes before the others: the end is then near for all at once."""


def group_of(nodeid: str) -> str:
    """Return the group of a test."""
    path = nodeid.split("::", maxsplit=1)[0]
    return next((group for begin, group in GROUPS.items() if path.startswith(begin)), path)


def _turn(item: pytest.Item) -> int:
    group = group_of(item.nodeid)
    turns = (turn for turn, begin in enumerate(LONGEST_FIRST) if group.startswith(begin))
    return next(turns, len(LONGEST_FIRST))


class GroupScheduling(LoadScopeScheduling):
    """Gives each process a whole group at a time, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long groups first, and the tests of a group beside each other."""
    first = {group_of(item.nodeid): place for place, item in reversed(list(enumerate(items)))}
    items.sort(key=lambda item: (_turn(item), first[group_of(item.nodeid)]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Have xdist go by groups, and not by the number of their tests."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
