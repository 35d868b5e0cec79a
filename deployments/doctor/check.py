"""What is looked at, and what was found."""

from dataclasses import dataclass

FREE_BYTES = 10**9
"""So many bytes should be free at the least."""


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    passed: bool | None
    """None says that there is nothing to judge yet."""
    found: str
    remedy: str = ""

    @property
    def told(self) -> str:
        """A fault and its remedy, in two lines below the name of a file."""
        return f"  {self.name}: {self.found.rstrip('.')}.\n      {self.remedy}"
