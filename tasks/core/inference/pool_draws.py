"""The draws of a screened run: which rows they are.

Writes  screening/drawn/0/part-00042.parquet    a shard's drawn rows: `id`, `text`, `row` (their place in the shard) and
                                                `draw`; under 1, 2, ... what the calibration draw grew by
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.core.base.naming.file_names import DRAWN_FOLDER
from tasks.core.base.naming.run_names import part_file
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.inference.asked_screening import planned_sizes, screening_of
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.runs.shards.scorable_rows import part_rows
from tasks.core.screening.draw_sizes import DrawSizes
from tasks.core.screening.draws import AUDIT, NAMES, NO_DRAW, Draws

ID, TEXT, ROW, DRAW = "id", "text", "row", "draw"


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
