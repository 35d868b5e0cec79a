"""The run in a screened run's folder that has the experts score the draws.

screening/iter_0-draws-<id>-draws/   a run folder of its own: its sample are the drawn rows, a file a shard

Drawn rows are scored as every run's rows are: resumed, accounted for, with canaries. A draw that grew is another run,
which takes over what the one before has scored.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.file_names import DRAWN_FOLDER, DRAWS
from tasks.core.base.naming.run_names import RunFolderName, parse_run_folder_name, part_file
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.inference.pool_draws import DRAW, ID, ROW, TEXT, Generation
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder, output_name
from tasks.core.runs.parts import SCORE_COLUMN, read_part
from tasks.core.runs.plan import Plan, plan_of
from tasks.core.runs.shards.part_faults import is_as_written
from tasks.core.runs.shards.receipts import Receipt, read_receipts

AGAIN = "Delete {} and run the inference flow again: the draws are scored anew."


def plan_of_draws(plan: Plan, folder: RunFolder, generation: Generation) -> tuple[Plan, RunFolder]:
    """Return the run that scores what was drawn up to a generation: its plan and its folder.

    Raises:
        InputDataError: no row was drawn.
    """
    sample = Sample(path=folder.screening_path / DRAWN_FOLDER, id_column=ID, text_column=TEXT)
    known = {str(number) for number in range(generation.number + 1)}
    files = [file for file in list_sample(sample) if file.name.partition("/")[0] in known]
    inputs = replace(
        plan.inputs,
        id_column=ID,
        text_column=TEXT,
        screening=None,
        limit=None,
        file_digests={file.name: file.digest for file in files},
        changed_ns=dict.fromkeys((file.name for file in files), 0),
        shard_rows=max(plan.inputs.shard_rows, *(file.rows for file in files)),
    )
    found = plan_of(inputs, DRAWS, files, sample.path)
    own = parse_run_folder_name(folder.path.name)
    name = RunFolderName(own.iteration if own else "0", DRAWS, found.run_id, DRAWS)
    return found, RunFolder(folder.screening_path / str(name))


@dataclass(frozen=True)
class DrawnRows:
    """A shard's drawn rows, with what the experts made of them."""

    rows: pa.Table
    """They have `id`, `text`, `row` and `draw`."""
    scores: dict[str, NDArray[np.float64]]
    """Each label's, in the same order."""


@dataclass(frozen=True)
class DrawsRun:
    """The finished run of the draws, by the shards of the run that is screened."""

    plan: Plan
    folder: RunFolder
    parent: RunFolder

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """Each shard of the screened run has its files of drawn rows here, by the name of a part."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.plan.inputs.file_digests):
            found.setdefault(name.rpartition("/")[2], []).append(name)
        return found

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Each file that has rows is the shard of this number."""
        return {shard.file: shard.number for shard in self.plan.shards}

    def variants(self) -> dict[str, str]:
        """Return which variant of its engine model scored each label's draws.

        Raises:
            RunFolderError: a label's were scored by several.
        """
        receipts = [receipt for _, receipt in read_receipts(self.plan, self.folder) if receipt is not None]
        return {use.label: self._one_variant(use.label, receipts) for use in self.plan.engines}

    def _one_variant(self, label: str, receipts: list[Receipt]) -> str:
        counts = Counter(receipt.variants[label] for receipt in receipts)
        if len(counts) == 1:
            return next(iter(counts))
        said = " and ".join(f"{name} ({count} shards)" for name, count in sorted(counts.items())) or "none"
        raise RunFolderError(
            f"the draws of label '{label}' were scored by {said}: a bound is of the scores of one engine variant. Some "
            "workers fell back to fp32. Have workers of one kind score all of the run (-p cluster=...), or set "
            "inference.fall_back_to_fp32: false, so that the others are refused. "
            f"{AGAIN.format(self.folder.path)}"
        )

    def rows_of(self, shard: int) -> pa.Table:
        """Return a shard's drawn rows.

        Raises:
            RunFolderError: a file is missing.
        """
        names = self.parts.get(part_file(shard), [])
        if not names:
            raise RunFolderError(
                f"{self.folder.path} has no drawn rows of shard {shard}. {AGAIN.format(self.parent.screening_path)}"
            )
        return pa.concat_tables([self._rows(name) for name in names])

    def drawn_from(self, shard: int) -> DrawnRows:
        """Return a shard's drawn rows and their scores.

        Raises:
            RunFolderError: a file is missing, or not the one that was scored or written.
        """
        rows = self.rows_of(shard)
        numbers = [self.numbers[name] for name in self.parts[part_file(shard)] if name in self.numbers]
        scores = {
            use.label: np.concatenate([np.empty(0), *(self._scores(use.label, number) for number in numbers)])
            for use in self.plan.engines
        }
        return DrawnRows(rows, scores)

    def _rows(self, name: str) -> pa.Table:
        path = self.parent.screening_path / DRAWN_FOLDER / name
        try:
            return read_part(path, [ID, TEXT, ROW, DRAW])
        except (OSError, pa.ArrowException) as error:
            raise RunFolderError(
                f"{path} cannot be read: {error}. {AGAIN.format(self.parent.screening_path)}"
            ) from None

    def _scores(self, label: str, number: int) -> NDArray[np.float64]:
        path = self.folder.output_path(label, number)
        if not is_as_written(self.folder, number, output_name(label, number)):
            again = AGAIN.format(self.folder.path)
            raise RunFolderError(f"{path} is not what the experts wrote of the draws. {again}")
        return np.asarray(read_part(path, [SCORE_COLUMN])[SCORE_COLUMN].to_numpy(), dtype=np.float64)
