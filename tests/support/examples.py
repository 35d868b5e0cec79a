"""How many examples hypothesis draws: all of them, or a tenth with WINNOW_EXAMPLES=few, as `make check` has it.

No clock judges them: another program may have the cores.
"""

import os

from hypothesis import HealthCheck, settings

FEW = os.environ.get("WINNOW_EXAMPLES") == "few"


def examples(count: int) -> int:
    """Return how many of so many examples are to be drawn."""
    return max(10, count // 10) if FEW else count


settings.register_profile(
    "winnow", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("winnow")
