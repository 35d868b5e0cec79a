"""A shard's rows, read and checked: those that cannot be scored, and those that an engine is asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.inference.screened_rows import LabelRows, screen_rows
from tasks.core.inference.shard_texts import ShardTexts, tokenise
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.planned_rows import FileState, read_shard, sha256_of_rows, state_of
from tasks.core.runs.shards.receipt_faults import certificate_digest, require_same_rows
from tasks.core.runs.shards.receipts import read_receipt
from tasks.core.runs.shards.scorable_rows import part_rows

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ShardRows:
    """A shard's rows as they were read, and those among them that can be scored."""

    state: FileState
    """The file was in this state before it was read."""
    sha256: str
    count: int
    scorable: pa.Table
    quarantined: pa.Table
    labels: dict[str, LabelRows]
    """What screening says of each label's rows; nothing in a run without screening."""
    stages: dict[str, tuple[int, float]]
    """Each stage of a screening had so many rows, and took so many seconds."""
    certificate: str
    """The certificate by which the rows were screened has this sha256."""

    @cached_property
    def asked(self) -> Mask:
        """Whether any engine has to score each row that can be scored."""
        if not self.labels:
            return np.ones(self.scorable.num_rows, dtype=bool)
        return np.asarray(np.logical_or.reduce([rows.asked for rows in self.labels.values()]))

    def asked_for(self, *labels: str) -> Mask:
        """Whether an engine of these labels has to score each row that any engine has to."""
        if not self.labels:
            return self.asked
        return np.asarray(np.logical_or.reduce([self.labels[label].asked for label in labels])[self.asked])

    def tokenised(self, plan: Plan) -> ShardTexts:
        """Return the rows that any engine has to score, as distinct texts and their tokens."""
        return tokenise(plan, self.scorable.filter(pa.array(self.asked)) if self.labels else self.scorable)


def read_shard_rows(plan: Plan, shard: Shard, folder: RunFolder) -> ShardRows:
    """Read and screen a shard; the file's state is taken first, so that a later change is seen.

    Raises:
        RunFolderError: the sample's file is not the planned one, has other rows than when the shard was scored, or the
            run is to be screened and has no certificate.
    """
    state = state_of(plan.input_path(shard))
    rows = read_shard(plan, shard)
    require_same_rows(plan, shard, read_receipt(folder, shard.number), rows)
    scorable, quarantined = part_rows(rows)
    labels: dict[str, LabelRows] = {}
    spent: dict[str, tuple[int, float]] = {}
    if plan.inputs.screening:
        labels, spent = screen_rows(plan, shard, folder, scorable)
    digest, certificate = sha256_of_rows(rows), certificate_digest(plan, folder)
    return ShardRows(state or (0, 0), digest, rows.num_rows, scorable, quarantined, labels, spent, certificate)
