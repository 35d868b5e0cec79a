"""The draws of a screened run: which rows they are, and the run in the run folder that has the experts score them.

screening/drawn/0/part-00042.parquet    a shard's drawn rows: `id`, `text`, `row` (its place among the shard's rows that
                                        can be scored), `draw`; under 1, 2, ... what the calibration draw grew by
screening/iter_0-draws-<id>-draws/      a run folder of its own: its sample are those files, each of them a shard

Drawn rows are scored as every run's rows are: resumed, accounted for, with canaries. Where the draw grew, the grown run
takes over what the one before has scored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming import DRAWN_FOLDER, DRAWS, RunFolderName, parse_run_folder_name, part_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.inference.shard_texts import part_rows
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import SCORE_COLUMN, read_part, write_part
from tasks.core.runs.plan import Plan, Shard, plan_of
from tasks.core.runs.scoring_inputs import ScreeningInputs
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.screening.draw_sizes import DrawSizes, plan_sizes
from tasks.core.screening.draws import AUDIT, CALIBRATE, CHOOSE, FIT, NAMES, NO_DRAW, Draws
from tasks.core.screening.promise import Promise

ID, TEXT, ROW, DRAW = "id", "text", "row", "draw"


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
    """Return how large the draws are at first."""
    asked = screening_of(plan)
    sizes = {FIT: asked.fit_texts, CHOOSE: asked.choose_texts, AUDIT: asked.audit_texts}
    sizes[CALIBRATE] = asked.calibrate_texts
    given = {name: size for name, size in sizes.items() if size is not None}
    return plan_sizes(plan.rows, promise_of(plan), given)


def draws_of(plan: Plan, sizes: DrawSizes) -> Draws:
    """Return the draws of these sizes from the run's rows."""
    fit, choose, audit, calibrate = (
        min(size / plan.rows, 1.0) for size in (sizes.fit, sizes.choose, sizes.audit, sizes.calibrate)
    )
    return Draws(screening_of(plan).key, fit, choose, audit, calibrate)


@dataclass(frozen=True)
class Generation:
    """The draws as they were first, or what a growth added to them."""

    number: int
    draws: Draws
    before: Draws | None = None
    """These rows were drawn before; there are none the first time."""

    def of(self, ids: pa.Array | pa.ChunkedArray) -> NDArray[np.int8]:
        """Return the number, in NAMES, of the draw that each row is added to, below 0 for most; none is audited."""
        found = self.draws.of(ids)
        found[found == NAMES.index(AUDIT)] = NO_DRAW
        if self.before is not None:
            found[self.before.of(ids) != NO_DRAW] = NO_DRAW
        return found


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
    draw = generation.of(rows[ID])
    places = np.flatnonzero(draw >= 0)
    drawn = rows.take(places).append_column(ROW, pa.array(places)).append_column(DRAW, pa.array(draw[places]))
    write_part(drawn, path, wanted)


def _stamp(plan: Plan, shard: Shard, generation: Generation) -> dict[str, object]:
    return {
        "run_id": plan.run_id,
        "shard": shard.number,
        "key": generation.draws.key,
        "shares": list(generation.draws.shares),
        "before": list(generation.before.shares) if generation.before else None,
    }


def _says(path: Path) -> dict[str, object] | None:
    try:
        return dict(read_footer(path)[1])
    except (FileNotFoundError, UnreadableParquetError):
        return None


def plan_of_draws(plan: Plan, folder: RunFolder) -> tuple[Plan, RunFolder]:
    """Return the run that scores all drawn rows, once every shard's are written: its plan and its folder."""
    sample = Sample(path=folder.screening_path / DRAWN_FOLDER, id_column=ID, text_column=TEXT)
    files = list_sample(sample)
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
class DrawnScores:
    """The experts' scores of a shard's drawn rows."""

    rows: NDArray[np.int64]
    """The place of each among the shard's rows that can be scored."""
    scores: dict[str, NDArray[np.float64]]
    """Each label's, in the same order."""


@dataclass(frozen=True)
class DrawsRun:
    """The finished run of the draws, by the shards of the run that is screened."""

    plan: Plan
    folder: RunFolder
    parent: RunFolder

    def parts_of(self, shard: int) -> Iterator[tuple[Path, int]]:
        """Yield the files of a shard's drawn rows that have any, each with the number of its own shard."""
        numbers = {own.file: own.number for own in self.plan.shards}
        generation = 0
        while (path := drawn_path(self.parent, generation, shard)).is_file():
            name = f"{generation}/{path.name}"
            if name in numbers:
                yield path, numbers[name]
            generation += 1

    def scores_of(self, shard: int) -> DrawnScores:
        """Return the experts' scores of a shard's drawn rows.

        Raises:
            RunFolderError: they are of other rows than those that were drawn.
        """
        rows: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        scores = {use.label: [np.empty(0)] for use in self.plan.engines}
        for path, number in self.parts_of(shard):
            places = read_part(path, [ROW])[ROW].to_numpy()
            rows.append(places)
            for label, found in scores.items():
                found.append(self._scores(label, number, len(places)))
        return DrawnScores(np.concatenate(rows), {label: np.concatenate(found) for label, found in scores.items()})

    def _scores(self, label: str, number: int, rows: int) -> NDArray[np.float64]:
        path = self.folder.output_path(label, number)
        scores = read_part(path, [SCORE_COLUMN])[SCORE_COLUMN].to_numpy()
        if len(scores) != rows:
            raise RunFolderError(
                f"{path} has {len(scores)} scores of {rows} drawn rows. Delete {self.parent.screening_path} and run "
                "the inference flow again: the draws are scored anew."
            )
        return np.asarray(scores, dtype=np.float64)
