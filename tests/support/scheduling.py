"""Which tests stay in one process, and in which order the processes of `--numprocesses` take them.

Files that share a costly fixture are one group, so that it is made once; every other file is a group by itself.
"""

from operator import itemgetter
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
WAITING = (
    "drills on slurm", "slurm", "README typed", "demo round", "drills", "served", "tests/flows/", "tests/services/",
    "full stack", "tests/ui/",
)  # fmt: skip
"""Groups, by how their names begin, that wait for servers and jobs, the longest first."""
WAITING_UNTIL = 0.6
"""They are spread over this share of all: the others compute while they wait, and the end is near for all at once."""


def group_of(nodeid: str) -> str:
    """Return the group of a test."""
    path = nodeid.split("::", maxsplit=1)[0]
    return next((group for begin, group in GROUPS.items() if path.startswith(begin)), path)


def _turn(group: str) -> int:
    turns = (turn for turn, begin in enumerate(WAITING) if group.startswith(begin))
    return next(turns, len(WAITING))


def in_order(groups: list[str]) -> list[str]:
    """Return the groups, given in the order of collection, in that of their turns."""
    waiting = sorted((group for group in groups if _turn(group) < len(WAITING)), key=_turn)
    others = [group for group in groups if group not in waiting]
    shares = [(WAITING_UNTIL * place / len(waiting), group) for place, group in enumerate(waiting)]
    shares += [(place / len(others), group) for place, group in enumerate(others)]
    return [group for _, group in sorted(shares, key=itemgetter(0))]


class GroupScheduling(LoadScopeScheduling):
    """Gives each process a whole group at a time, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups in order, and the tests of a group beside each other."""
    groups = in_order(list(dict.fromkeys(group_of(item.nodeid) for item in items)))
    turns = {group: turn for turn, group in enumerate(groups)}
    items.sort(key=lambda item: turns[group_of(item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Have xdist go by groups, and not by the number of their tests."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
