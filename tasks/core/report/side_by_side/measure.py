"""A figure with its interval; or why there is none, which is never a nought."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.core.base.errors import WinnowError
from tasks.core.metrics.warning_words import NOT_MEASURED
from tasks.core.report.absent import Absent


@dataclass(frozen=True)
class Measure:
    """What is known of one figure."""

    value: float | None = None
    """This is None where it was not measured."""
    low: float | None = None
    high: float | None = None
    """The interval of 95 % ends here; None where the figure is exact, or no interval was made."""
    note: str = ""
    """This says why the figure was not measured, or what must be known to read it."""
    command: str = ""
    """A person types this to have it measured."""

    def said(self, form: str) -> str:
        """Return the figure with its interval for a person, each as the format string `form` says."""
        if self.value is None:
            return NOT_MEASURED
        within = "" if self.low is None or self.high is None else f" ({self.low:{form}} to {self.high:{form}})"
        return f"{self.value:{form}}{within}"


def measured(gather: Callable[[], Measure]) -> Measure:
    """Return what `gather` does; where its facts are missing or broken, a measure that says so."""
    try:
        return gather()
    except Absent as absent:
        return Measure(note=absent.why, command=absent.command)
    except (WinnowError, OSError) as error:
        return Measure(note=f"its files cannot be read: {error}")
