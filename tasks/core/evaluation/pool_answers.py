"""What people answered of a country's texts, in every batch of every round: an answer bought once serves for good."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.naming import DECIDED_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.exchange.batch import read_batch
from tasks.core.exchange.labelled_before import batches_in_country, text_key
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN


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

    def of(self, ids: Iterable[object]) -> NDArray[np.float64]:
        """Return the answer of each text, NaN where none counts."""
        return np.array([self.decided.get(str(id_), np.nan) for id_ in ids], dtype=np.float64)


def read_answers(round_: Round, label: str, before: str | None = None) -> PoolAnswers:
    """Read what was decided of a label in the batches of the round's country.

    With `before`, the id of a run, batches that were drawn from that run are left out.
    """
    decided: dict[str, float] = {}
    out: set[str] = set()
    seen: set[str] = set()
    texts: set[str] = set()
    for folder in batches_in_country(round_):
        batch = read_batch(folder)
        if before is not None and batch.about.run_id == before:
            continue
        ids = [str(id_) for id_ in batch.texts[ID_COLUMN].to_pylist()]
        seen |= set(ids)
        texts |= set(map(text_key, batch.texts["text"].to_pylist()))
        out |= {id_ for id_, labels in zip(ids, batch.texts["labels"].to_pylist(), strict=True) if label in labels}
        if (folder / DECIDED_FILE).is_file():
            rows = read_parquet(folder / DECIDED_FILE, [ID_COLUMN, "label", "target"]).to_pylist()
            for row in rows:
                if row["label"] == label and row["target"] is not None:
                    _add(decided, str(row[ID_COLUMN]), float(row["target"]))
    return PoolAnswers(decided, frozenset(out), frozenset(seen), frozenset(texts))


def _add(decided: dict[str, float], id_: str, target: float) -> None:
    """Add an answer; one that contradicts another batch's counts no more than that one."""
    decided[id_] = target if decided.get(id_, target) == target else np.nan
