"""What Ctrl-C does: in a terminal it asks, elsewhere it leaves the run to itself."""

import sys
from collections.abc import Sequence

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State, StateType

from deployments.running.screen import Screen
from deployments.running.start import Started

QUESTION = "Leave it running (Enter; Ctrl-C again does so, too), or cancel it (c)? "
ANSWERS = {"": False, "l": False, "leave": False, "c": True, "cancel": True}


def wants_to_cancel(screen: Screen) -> bool:
    """Ask whether the run is to be cancelled; without a terminal, or when interrupted again, it is not."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    screen.say()
    try:
        answer = input(QUESTION)
        while answer.strip().lower() not in ANSWERS:
            answer = input(QUESTION)
    except (KeyboardInterrupt, EOFError):
        screen.say()
        return False
    return ANSWERS[answer.strip().lower()]


def cancel(client: SyncPrefectClient, at_work: Sequence[Started], screen: Screen) -> None:
    """Have Prefect cancel the runs, and say so."""
    for one in at_work:
        client.set_flow_run_state(one.run.id, State(type=StateType.CANCELLING))
        screen.say(f"{one.deployment} is being cancelled; what is finished is kept")


def say_left(at_work: Sequence[tuple[Started, str]], screen: Screen) -> None:
    """Say that the runs go on, and how to look at them or cancel them."""
    for one, link in at_work:
        screen.say(f"{one.deployment} is left running: {link}")
        screen.say(f"  to cancel it: prefect flow-run cancel {one.run.id}")
