"""What a verification found wrong in a run folder."""

from dataclasses import dataclass
from typing import Literal

from tasks.core.base.naming.run_names import shard_number
from tasks.core.runs.folder import receipt_name

Kind = Literal["missing", "torn", "altered", "miscounted", "misplaced", "foreign", "doubled", "left-over"]


@dataclass(frozen=True)
class Finding:
    """One file that is not as the run should have left it."""

    kind: Kind
    path: str
    """The file lies here, below the run folder."""
    problem: str
    advice: str

    @property
    def is_error(self) -> bool:
        """Whether the run folder is unsound for it; a left-over temporary file only takes space."""
        return self.kind != "left-over"

    def __str__(self) -> str:
        return f"{self.kind:<10}  {self.path}: {self.problem.rstrip('. ')}. {self.advice}."


def score_again(shard: int) -> str:
    """Return the advice for a shard whose files cannot be believed."""
    return f"Delete {receipt_name(shard)} and go on with the run: shard {shard_number(shard)} is scored again"
