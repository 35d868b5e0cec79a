"""What one label's texts are drawn from: a run's ranking, the texts beside it, and what was labelled before."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.files import fingerprint
from tasks.core.exchange.labelled_before import text_key
from tasks.core.ranking.ranked import Ranked, open_ranked
from tasks.core.ranking.row_texts import with_texts
from tasks.core.round.sampling_section import Language, Sampling
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import ID_COLUMN, Which

TEXT = "text"
AUTHOR = "author"


@dataclass(frozen=True)
class LabelledBefore:
    """What never goes out again, by id and by normalised text."""

    ids: frozenset[str]
    text_keys: frozenset[str]

    @classmethod
    def of(cls, table: pa.Table) -> "LabelledBefore":
        """Return the ids and text keys of a table of `exchange.labelled_before`; blank ones are none."""
        ids, keys = (frozenset(table[name].to_pylist()) - {"", None} for name in (ID_COLUMN, "text_key"))
        return cls(ids, keys)

    def among(self, rows: pa.Table) -> NDArray[np.bool_]:
        """Say of each row whether it was labelled before."""
        pairs = zip(rows[ID_COLUMN].to_pylist(), rows[TEXT].to_pylist(), strict=True)
        return np.array([str(id_) in self.ids or text_key(text) in self.text_keys for id_, text in pairs], bool)


@dataclass(frozen=True)
class LabelPool:
    """One label of a run, and how texts are drawn from it."""

    run_folder: str
    label: str
    sample: Sample
    settings: Sampling
    language: Language
    before: LabelledBefore
    used_motifs: tuple[str, ...]
    """No label's motif of an earlier batch is chosen again."""
    threshold: float | None
    """Uncertainty takes texts around this score."""

    @contextmanager
    def ranked(self, which: Which) -> Iterator[Ranked]:
        """Open the label's ranking: `expert` has what the expert scored, `all` also what was screened out."""
        with open_ranked(RunFolder(Path(self.run_folder)), self.label, which, self.settings.memory_gib) as found:
            yield found

    def with_texts(self, rows: pa.Table) -> pa.Table:
        """Return rows with their texts, and with their authors where the section names their column."""
        column = self.settings.author_column
        found = with_texts(rows, self.sample, [column] if column else [])
        authors = found[column].cast(pa.string()) if column else pa.nulls(len(found), pa.string())
        return found.select([*rows.column_names, TEXT]).append_column(AUTHOR, authors)

    def key(self, *parts: Any) -> str:
        """Return the key of a draw: another one for each label, random state and part of the work."""
        return self.shared_key(self.label, *parts)

    def shared_key(self, *parts: Any) -> str:
        """Return a key that all labels share, so that they draw the same rows."""
        return fingerprint([self.settings.random_state, *parts])
