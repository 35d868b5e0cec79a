"""The checks as lines for a terminal, as they are done."""

from collections.abc import Callable

from deployments.doctor.checks import all_checks
from tasks.core.round.model import Round

SIGNS = {True: "ok", False: "FAILED", None: "-"}


def report(round_: Round, wait_s: int, echo: Callable[[str], object]) -> bool:
    """Do a round's checks, say each as it is done, and return whether none failed.

    `wait_s` is how long a job on a node may wait in the queue and run, in seconds.
    """
    failed = 0
    for check in all_checks(round_, wait_s):
        echo(f"{SIGNS[check.passed]:<7} {check.name}: {check.found}")
        if check.passed is False:
            failed += 1
            echo(f"        {check.remedy}")
    echo(f"{failed} of the checks failed" if failed else "nothing stands in the way")
    return not failed
