"""The draws of a screened run: which rows they are, and the run in the run folder that has the experts score them.

screening/drawn/0/part-00042.parquet    a shard's drawn rows: `id`, `text`, `row` (their place in the shard), `draw`;
                                        under 1, 2, ... what the calibration draw grew by
screening/iter_0-draws-<id>-draws/      a run folder of its own: its sample are those files, each of them a shard

Drawn rows are scored as every run's rows are: resumed, accounted for, with canaries. A draw that grew is another run,
which takes over what the one before has scored.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming import DRAWN_FOLDER, DRAWS, RunFolderName, parse_run_folder_name, part_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.inference.shard_texts import part_rows
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder, output_name
from tasks.core.runs.parts import SCORE_COLUMN, read_part, write_part
from tasks.core.runs.plan import Plan, Shard, plan_of
from tasks.core.runs.scoring_inputs import ScreeningInputs
from tasks.core.runs.shards.part_faults import is_as_written
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.screening.draw_sizes import DrawSizes, plan_sizes
from tasks.core.screening.draws import AUDIT, CALIBRATE, CHOOSE, FIT, NAMES, NO_DRAW, Draws
from tasks.core.screening.promise import Promise

ID, TEXT, ROW, DRAW = "id", "text", "row", "draw"
AGAIN = "Delete {} and run the inference flow again: the draws are scored anew."


def screening_of(plan: Plan) -> ScreeningInputs:
    """Return what the run's screening follows from."""
    if plan.inputs.screening is None:
        raise AssertionError(f"run {plan.run_id} is not screened")
    return plan.inputs.screening


def promise_of(plan: Plan) -> Promise:
    """Return what each label's screening has to promise."""
    asked = screening_of(plan)
    promise = Promise(asked.top_share, asked.recall, asked.confidence)
    return promise.shared_by(len(plan.engines)) if asked.all_labels_at_once else promise


def planned_sizes(plan: Plan) -> DrawSizes:
    """Return how large the draws are at first; where there is one stage, there is nothing to choose."""
    asked = screening_of(plan)
    choose = asked.choose_texts if asked.students else asked.choose_texts or 0
    sizes = {FIT: asked.fit_texts, CHOOSE: choose, AUDIT: asked.audit_texts}
    sizes[CALIBRATE] = asked.calibrate_texts
    given = {name: size for name, size in sizes.items() if size is not None}
    return plan_sizes(plan.rows, promise_of(plan), given)


def row_names(plan: Plan, shard: Shard, rows: pa.Table) -> pa.Array:
    """Return what a shard's rows are drawn by: id, file and place in the file, so that equal ids are drawn apart."""
    text = pa.large_string()
    ids, places = rows[ID].cast(text), pc.add(rows[ROW], shard.start).cast(text)
    file, colon = pa.scalar(plan.inputs.file_digests[shard.file], text), pa.scalar(":", text)
    return pc.binary_join_element_wise(ids, places, file, colon)


@dataclass(frozen=True)
class Generation:
    """The draws as they were first, or what a growth added to them."""

    number: int
    draws: Draws
    before: Draws | None = None
    """These rows were drawn before; there are none the first time."""

    def of(self, names: pa.Array | pa.ChunkedArray) -> NDArray[np.int8]:
        """Return the number, in NAMES, of the draw that each row is added to; none is added to the audit."""
        found = self.draws.of(names)
        found[found == NAMES.index(AUDIT)] = NO_DRAW
        if self.before is not None:
            found[self.before.of(names) != NO_DRAW] = NO_DRAW
        return found

    def grown(self, plan: Plan, sizes: DrawSizes) -> "Generation":
        """Return what the draws grow by to these sizes."""
        return Generation(self.number + 1, sizes.draws(self.draws.key, plan.rows), self.draws)


def first_generation(plan: Plan) -> tuple[DrawSizes, Generation]:
    """Return how large the draws are at first, and which rows they are."""
    sizes = planned_sizes(plan)
    return sizes, Generation(0, sizes.draws(screening_of(plan).key, plan.rows))


def drawn_path(folder: RunFolder, generation: int, shard: int) -> Path:
    """Return where a shard's drawn rows lie."""
    return folder.screening_path / DRAWN_FOLDER / str(generation) / part_file(shard)


def draw_shard(plan: Plan, shard: Shard, folder: RunFolder, generation: Generation) -> None:
    """Write a shard's drawn rows, unless they are there; those that cannot be scored are not drawn.

    Raises:
        RunFolderError: the sample's file is not the planned one.
    """
    path, wanted = drawn_path(folder, generation.number, shard.number), _stamp(plan, shard, generation)
    if _says(path) == wanted:
        return
    rows, _ = part_rows(read_shard(plan, shard))
    draw = generation.of(row_names(plan, shard, rows))
    drawn = rows.append_column(DRAW, pa.array(draw)).filter(pa.array(draw != NO_DRAW))
    write_part(drawn, path, wanted)


def count_drawn(plan: Plan, folder: RunFolder, generation: Generation) -> int:
    """Return how many rows were drawn up to a generation."""
    numbers = range(generation.number + 1)
    paths = (drawn_path(folder, number, shard.number) for number in numbers for shard in plan.shards)
    return sum(read_footer(path)[0].num_rows for path in paths)


def _stamp(plan: Plan, shard: Shard, generation: Generation) -> dict[str, object]:
    return {
        "run_id": plan.run_id,
        "shard": shard.number,
        "shares": list(generation.draws.shares),
        "before": list(generation.before.shares) if generation.before else None,
    }


def _says(path: Path) -> dict[str, object] | None:
    try:
        return dict(read_footer(path)[1])
    except (FileNotFoundError, UnreadableParquetError):
        return None


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

    def drawn_from(self, shard: int) -> DrawnRows:
        """Return a shard's drawn rows and their scores.

        Raises:
            RunFolderError: a file is missing, or not the one that was scored or written.
        """
        names = self.parts.get(part_file(shard), [])
        numbers = [self.numbers[name] for name in names if name in self.numbers]
        if not names:
            raise RunFolderError(
                f"{self.folder.path} has no drawn rows of shard {shard}. {AGAIN.format(self.parent.screening_path)}"
            )
        scores = {
            use.label: np.concatenate([np.empty(0), *(self._scores(use.label, number) for number in numbers)])
            for use in self.plan.engines
        }
        return DrawnRows(pa.concat_tables([self._rows(name) for name in names]), scores)

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
