"""What people answered of a country's texts, in every batch of every round: an answer bought once serves for good.

An answer is of a text. Another sample may have another text under the same id, so a batch's answers serve a ranking
where the ranked sample has that id with that text: case, width of characters and white space aside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.file_names import DECIDED_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.exchange.batch import Batch, read_batch
from tasks.core.exchange.labelled_before import batches_in_country, text_key
from tasks.core.ranking.row_texts import TEXT, texts_of
from tasks.core.round.model import Round
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN
from tasks.core.runs.plan_file import read_plan


@dataclass(frozen=True)
class PoolBatch:
    """A batch of the country beside the ranked sample."""

    batch: Batch
    strange: frozenset[str] = frozenset()
    """The ranked sample has other texts under these ids of the batch."""


@dataclass(frozen=True)
class PoolAnswers:
    """A label's answers by the id of the text, as a string."""

    decided: dict[str, float]
    """Each answer is 1 or 0; NaN stands where batches contradict each other."""
    out: frozenset[str]
    """These texts went out for the label, answered or not."""
    seen: frozenset[str] = frozenset()
    """These texts went out for some label: sampling draws none of them again for any."""
    seen_texts: frozenset[str] = frozenset()
    """Their texts have these keys: sampling does not draw one that says the same under another id either."""
    strange: int = 0
    """So many answers are of other texts than the sample has under the same ids, and do not count."""

    def of(self, ids: Iterable[object]) -> NDArray[np.float64]:
        """Return the answer of each text, NaN where none counts."""
        return np.array([self.decided.get(str(id_), np.nan) for id_ in ids], dtype=np.float64)


def batches_of_pool(round_: Round, run: PoolRun) -> list[PoolBatch]:
    """Return the batches of the round's country, each with the ids that are another text's in the run's sample.

    Raises:
        InputDataError: the sample cannot be read; it is asked only where a batch is of other files than the run's.
    """
    batches = [read_batch(folder) for folder in batches_in_country(round_)]
    own = [_of_same_texts(batch, run) for batch in batches]
    others = [batch for batch, same in zip(batches, own, strict=True) if not same]
    keys = _keys_in(round_.samples[run.plan.sample_name], others)
    pairs = zip(batches, own, strict=True)
    return [PoolBatch(batch, frozenset() if same else _strange(batch, keys)) for batch, same in pairs]


def read_answers(batches: Sequence[PoolBatch], label: str, before: str | None = None) -> PoolAnswers:
    """Read what was decided of a label in these batches.

    With `before`, the id of a run, batches that were drawn from that run are left out.
    """
    decided: dict[str, float] = {}
    out: set[str] = set()
    seen: set[str] = set()
    texts: set[str] = set()
    strange = 0
    for one in batches:
        batch = one.batch
        if before is not None and batch.about.run_id == before:
            continue
        ids = [str(id_) for id_ in batch.texts[ID_COLUMN].to_pylist()]
        seen |= set(ids)
        texts |= set(map(text_key, batch.texts["text"].to_pylist()))
        asked = {id_ for id_, labels in zip(ids, batch.texts["labels"].to_pylist(), strict=True) if label in labels}
        out |= asked - one.strange
        for id_, target in _decided(batch, label):
            if id_ in one.strange:
                strange += 1
            else:
                _add(decided, id_, target)
    return PoolAnswers(decided, frozenset(out), frozenset(seen), frozenset(texts), strange)


def _of_same_texts(batch: Batch, run: PoolRun) -> bool:
    """Say whether a batch was drawn from a run of the very files that were ranked: then its ids are the same texts'."""
    if batch.about.run_id == run.plan.run_id:
        return True
    folder = RunFolder(Path(batch.about.run_folder))
    try:
        plan = read_plan(folder)
    except WinnowError:  # moved, deleted or of another version: then the texts themselves are compared
        return False
    return plan.run_id == batch.about.run_id and PoolRun(plan, folder).sample_digest == run.sample_digest


def _keys_in(sample: Sample, batches: Sequence[Batch]) -> dict[str, str]:
    """Return the keys of the texts that a sample has under the ids of these batches."""
    ids = [str(id_) for batch in batches for id_ in batch.texts[ID_COLUMN].to_pylist()]
    if not ids:
        return {}
    found = texts_of(pa.array(ids, pa.string()), sample)
    return dict(zip(found[ID_COLUMN].to_pylist(), map(text_key, found[TEXT].to_pylist()), strict=True))


def _strange(batch: Batch, keys: dict[str, str]) -> frozenset[str]:
    """Return the batch's ids that are another text's among `keys`, text keys by id."""
    ids = map(str, batch.texts[ID_COLUMN].to_pylist())
    own = map(text_key, batch.texts["text"].to_pylist())
    return frozenset(id_ for id_, key in zip(ids, own, strict=True) if keys.get(id_, key) != key)


def _decided(batch: Batch, label: str) -> list[tuple[str, float]]:
    """Return each decided text of a label, by its id as a string, with its answer."""
    if not (batch.folder / DECIDED_FILE).is_file():
        return []
    rows = read_parquet(batch.folder / DECIDED_FILE, [ID_COLUMN, "label", "target"]).to_pylist()
    own = (row for row in rows if row["label"] == label and row["target"] is not None)
    return [(str(row[ID_COLUMN]), float(row["target"])) for row in own]


def _add(decided: dict[str, float], id_: str, target: float) -> None:
    """Add an answer; one that contradicts another batch's counts no more than that one."""
    decided[id_] = target if decided.get(id_, target) == target else np.nan
