"""The texts of rows of a run, by their place among its scores: an id may stand in a sample twice, a place once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.reading import decode_texts
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.runs.parts import ID_COLUMN, read_part
from tasks.core.runs.plan import Shard
from tasks.core.runs.shards.planned_rows import read_shard


def texts_of(run: ExpertRunFolder, rows: NDArray[np.int64]) -> list[str]:
    """Return the texts of rows, given in rising order; only shards that hold one of them are read.

    Raises:
        RunFolderError: the sample's files are not those that were scored.
        InputDataError: a row that has a score is not in its file.
    """
    return list(_stream_texts(run, rows))


def _stream_texts(run: ExpertRunFolder, rows: NDArray[np.int64]) -> Iterator[str]:
    label, first = next(iter(run.named.values())), 0
    for shard in run.plan.shards:
        ids = read_part(run.folder.output_path(label, shard.number), [ID_COLUMN])[ID_COLUMN]
        inside = rows[(rows >= first) & (rows < first + len(ids))] - first
        if len(inside):
            texts = _texts_of_ids(run, shard, ids.to_pylist())
            yield from (texts[place] for place in inside)
        first += len(ids)


def _texts_of_ids(run: ExpertRunFolder, shard: Shard, ids: list[object]) -> list[str]:
    """Return the texts beside the ids of a part: the file's rows in their order, without those that have no score."""
    table = read_shard(run.plan, shard)
    rows = zip(table["id"].to_pylist(), decode_texts(table["text"]), strict=True)
    found = []
    for id_ in ids:
        text = next((text for own, text in rows if own == id_ and text is not None), None)
        if text is None:
            raise InputDataError(
                f"shard {shard.number} of {run.name} has a score for the id {id_!r}, which is not at its place in "
                f"{shard.file}. Run the inference again."
            )
        found.append(text)
    return found
