"""What a verification found wrong in a run folder."""

from dataclasses import dataclass
from typing import Literal

from tasks.core.base.naming import shard_number
from tasks.core.runs.folder import RunFolder

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


def score_again(folder: RunFolder, shard: int) -> str:
    """Return the advice for a shard whose files cannot be believed."""
    path = folder.receipt_path(shard).relative_to(folder.path)
    return f"Delete {path} and go on with the run: shard {shard_number(shard)} is scored again"
