"""The draws of all labels -> one batch: each text once, with all labels that want it, and caps kept over the whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.core.base.files import fingerprint
from tasks.core.exchange.batch_tables import DRAWS, TEXTS
from tasks.core.round.sampling_section import Sampling
from tasks.core.runs.parts import ID_COLUMN
from tasks.core.sampling.label_draws import LabelDraws
from tasks.core.sampling.label_pool import AUTHOR, TEXT
from tasks.core.sampling.near_duplicates import near_duplicates
from tasks.core.sampling.thinning import CHANCE, keep, keep_of_groups
from tasks.core.screening.draws import places


def assemble(labels: Sequence[LabelDraws], settings: Sampling) -> tuple[pa.Table, pa.Table, dict[str, int]]:
    """Return draws and texts as a batch has them, and how many texts the caps left out that all labels share."""
    rows = pa.concat_tables([draws.rows for draws in labels])
    ids = rows[ID_COLUMN].to_pylist()
    first = {id_: place for place, id_ in reversed(list(enumerate(ids)))}
    distinct = rows.take(pa.array(sorted(first.values()))).select([ID_COLUMN, TEXT, AUTHOR])
    distinct = distinct.append_column(CHANCE, pa.array(np.ones(len(distinct))))
    groups = near_duplicates(distinct[TEXT].to_pylist(), settings.near_duplicate_similarity)
    apart = keep_of_groups(distinct, groups.tolist(), 1, _key(settings, "near-duplicates"))
    capped = keep_of_groups(apart, apart[AUTHOR].to_pylist(), settings.texts_per_author, _key(settings, "authors"))
    stayed = dict(zip(capped[ID_COLUMN].to_pylist(), capped[CHANCE].to_pylist(), strict=True))
    chosen = np.array([id_ in stayed for id_ in ids], bool)
    draws = keep(rows, chosen, np.array([stayed.get(id_, 1.0) for id_ in ids]))
    left_out = {"near_duplicates": len(distinct) - len(apart), "over_author_cap": len(apart) - len(capped)}
    return draws.select(DRAWS.names), _texts(draws, capped, settings), left_out


def _texts(draws: pa.Table, capped: pa.Table, settings: Sampling) -> pa.Table:
    """Return the texts that go out, in an order by chance: who labels does not see which method drew what."""
    wanted: dict[Any, list[str]] = {}
    for id_, label in zip(draws[ID_COLUMN].to_pylist(), draws["label"].to_pylist(), strict=True):
        labels = wanted.setdefault(id_, [])
        labels += [] if label in labels else [label]
    texts = capped.append_column("labels", pa.array([wanted[id_] for id_ in capped[ID_COLUMN].to_pylist()]))
    order = np.argsort(places(texts[ID_COLUMN], _key(settings, "order")), kind="stable")
    return texts.select(TEXTS.names).take(pa.array(order))


def _key(settings: Sampling, part: str) -> str:
    return fingerprint([settings.random_state, "batch", part])
