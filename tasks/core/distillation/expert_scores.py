"""What an expert says of every text of a sample: the scores of one finished run folder.

An expert is whatever scored a run: the seeds of a label are as many runs, and a run of another round is as good as one
of this, once its labels are translated. Rows stand as the run's parts have them: in the sample's order, without those
that could not be scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.base.files import fingerprint
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.open_run import open_run
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, list_parts, read_part
from tasks.core.runs.plan import Plan


@dataclass(frozen=True)
class ExpertScores:
    """An expert's probabilities of some of a round's labels, a row a text."""

    name: str
    """Errors call the expert so."""
    sample: str
    """This is the fingerprint of the files and columns that were scored."""
    preprocessing: str
    labels: tuple[str, ...]
    """The columns are of these labels, by the round's names for them."""
    ids: pa.ChunkedArray
    scores: NDArray[np.float64]
    """The scores have the shape (rows, labels)."""


@dataclass(frozen=True)
class ExpertRunFolder:
    """A finished run, and how it calls the labels that it is asked for."""

    plan: Plan
    folder: RunFolder
    named: dict[str, str]
    """Each of the round's labels that the run has scored, in the round's order, has the run's name for it here."""

    @property
    def name(self) -> str:
        """The run folder's path."""
        return str(self.folder.path)

    def read(self) -> ExpertScores:
        """Read every score of the run.

        Raises:
            InputDataError: a part is missing or unreadable, or is another label's or run's.
        """
        columns = {label: self._column(theirs) for label, theirs in self.named.items()}
        inputs = self.plan.inputs
        return ExpertScores(
            name=self.name,
            sample=fingerprint([inputs.file_digests, inputs.id_column, inputs.text_column]),
            preprocessing=inputs.preprocessing,
            labels=tuple(columns),
            ids=next(iter(columns.values()))[ID_COLUMN],
            scores=np.stack([_as_floats(column[SCORE_COLUMN]) for column in columns.values()], axis=1),
        )

    def _column(self, label: str) -> pa.Table:
        parts = list_parts(self.plan, self.folder, label)
        for path in parts:
            self._require_own(path, label)
        return pa.concat_tables([read_part(path).replace_schema_metadata() for path in parts])

    def _require_own(self, path: Path, label: str) -> None:
        try:
            _, stamp = read_footer(path)
        except (FileNotFoundError, UnreadableParquetError) as error:
            raise InputDataError(
                f"the expert {self.name} has no scores of '{label}' in {path}: {error}. `winnow verify` says what else "
                "is wrong with the run folder; run its inference again, which scores what is missing."
            ) from None
        found = stamp.get("run_id"), stamp.get("label")
        if found != (self.plan.run_id, label):
            raise InputDataError(
                f"{path} says that it is of run {found[0]} and label '{found[1]}', but it lies where the scores of "
                f"'{label}' of run {self.plan.run_id} should. Put the run folder back as it was, or score it again."
            )


def open_expert(path: Path, labels: Sequence[str], translation: Mapping[str, str]) -> ExpertRunFolder:
    """Open a run folder as an expert for those of `labels` that it has scored.

    `translation` has the run's names for labels that it calls otherwise.

    Raises:
        RunFolderError: it is no finished run.
        InputDataError: it was screened, or has scored none of the labels, or not one that the translation names.
    """
    plan, folder = open_run(path)
    if read_manifest(plan, folder) is None:
        raise RunFolderError(f"the run {path} is not finished, so it cannot teach yet: run its inference again")
    if plan.inputs.screening is not None:
        raise InputDataError(
            f"the run {path} was screened: most of its texts have no expert's score to learn from. Score the sample in "
            "full (`-p screened=false`), or name a sample of which all texts are scored."
        )
    theirs = [use.label for use in plan.engines]
    for label, name in translation.items():
        if label not in labels or name not in theirs:
            raise InputDataError(
                f"distillation.experts translates '{label}' to '{name}', but the round has {list(labels)}, and the run "
                f"{path} has scored {theirs}: the round's label is on the left, the run's on the right"
            )
    named = {label: translation.get(label, label) for label in labels}
    named = {label: name for label, name in named.items() if name in theirs}
    if not named:
        raise InputDataError(
            f"the run {path} has scored {theirs}, none of the round's labels {list(labels)}. Where it calls one "
            "otherwise, say so: distillation.experts: {<name>: {run: ..., labels: {<the round's>: <the run's>}}}"
        )
    return ExpertRunFolder(plan, folder, named)


def _as_floats(scores: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return scores with NaN in place of those that are missing."""
    return np.asarray(scores.to_numpy(), dtype=np.float64)
