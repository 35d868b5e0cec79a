"""Why a flow run did not end well, in plain words."""

import re

from prefect.client.schemas.objects import State

import infra.errors
import tasks.core.base.errors

RAISED = re.compile(r"^(?:Flow|Task) run encountered an exception:? *(?:(\w+): )?", re.DOTALL)


def reason_of(state: State) -> str:
    """Return the reason that a state gives: our own errors speak for themselves, others are named."""
    message = (state.message or "").strip()
    if not message:
        return f"it ended as {state.name}, and Prefect knows no reason"
    found = RAISED.match(message)
    if found is None:
        return f"{message} Its process was killed, or its machine went down." if state.is_crashed() else message
    said, name = message[found.end() :], found.group(1)
    ours = name and (hasattr(tasks.core.base.errors, name) or hasattr(infra.errors, name))
    return said if ours or not name else f"{name}: {said}"
