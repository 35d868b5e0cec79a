"""The mark of a version that is being registered: it is set with the version, and taken away once the alias is set."""

import json
import time

from tasks.core.base.folders_aside import ABANDONED_SECONDS
from tasks.core.base.processes import from_json, is_gone, this_process

UNFINISHED_TAG = "registering"
"""A version has this tag until its alias is set; it says which process registers it."""


def mark_of_this_process() -> dict[str, str]:
    """Return the tag that says that this process registers a version."""
    return {UNFINISHED_TAG: json.dumps(this_process().as_json())}


def is_left(mark: str, created: float) -> bool:
    """Say whether nobody will finish a version that was created then, in seconds since the epoch.

    Who registered it is gone, is another host's process and has been silent for days, or is this very process, which
    registers one version of a model at a time, and failed before.
    """
    try:
        maker = from_json(json.loads(mark))
    except (AttributeError, ValueError):
        maker = None
    if maker is not None and (maker == this_process() or is_gone(maker)):
        return True
    return time.time() - created > ABANDONED_SECONDS
