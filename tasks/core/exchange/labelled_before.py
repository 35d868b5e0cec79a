"""What has been labelled before: the round's labelled data, and every batch of its country that went out.

A text that stands here, by its id or by its normalised text, is not sent to labellers again.
"""

import hashlib
import unicodedata
from pathlib import Path

import pyarrow as pa

from tasks.core.base.naming.work_places import batches_folder, country_folder
from tasks.core.corpus.labelled.label_snapshot import read_snapshot
from tasks.core.corpus.labelled.layouts import find_sources
from tasks.core.corpus.labelled.read_source import read_sources
from tasks.core.corpus.labelled.rows import LabelledRows, Ledger, StudyRequest
from tasks.core.exchange.batch import batches_in, read_batch
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN

KEY_BYTES = 16
LABELLED_BEFORE = pa.schema([(ID_COLUMN, pa.string()), ("text_key", pa.string())])
"""Ids are strings here, for the labelled data may have integers where the sample has strings."""


def normal_text(text: str) -> str:
    """Return what texts share when they differ in case, width of characters or white space alone."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def text_key(text: str) -> str:
    """Return a hash of a text's normal form."""
    return hashlib.sha256(normal_text(text).encode("utf-8", "surrogatepass")).hexdigest()[: 2 * KEY_BYTES]


def labelled_before(round_: Round, but: str | None = None) -> pa.Table:
    """Return ids and text keys of everything labelled before; `but` is the id of a batch that is left out.

    A batch that is drawn again, to be compared with what went out, leaves itself out.
    """
    ids, texts = _labelled(round_)
    for folder in batches_in_country(round_):
        batch = read_batch(folder)
        if batch.about.batch_id != but:
            ids += map(str, batch.texts[ID_COLUMN].to_pylist())
            texts += batch.texts["text"].to_pylist()
    return pa.table([pa.array(ids, pa.string()), pa.array(map(text_key, texts), pa.string())], schema=LABELLED_BEFORE)


def batches_in_country(round_: Round) -> list[Path]:
    """Return the folders of the whole batches of all rounds of a country, below the same work path."""
    rounds = sorted(country_folder(round_.work_path, round_.country).glob("*"))
    return [batch for one in rounds for batch in batches_in(batches_folder(round_.work_path, round_.country, one.name))]


def labelled_rows(round_: Round) -> LabelledRows:
    """Return the rows of the round's labelled data, with targets of its labels, but for the snapshots that join it."""
    study = StudyRequest("all", round_.active_labels, round_.training.head, round_.training.metric, "none")
    data = round_.labelled_data
    return read_sources(find_sources(data, list(study.labels)), data, study, Ledger())


def _labelled(round_: Round) -> tuple[list[str], list[str]]:
    """Return ids and texts of all labelled rows, also of those that no label of the round is given to."""
    data, rows = round_.labelled_data, labelled_rows(round_)
    numbered = data.id_column is None  # such ids are places in a file, and name no text of a sample
    ids = ["" if id_ is None or numbered else str(id_) for id_ in rows.ids]
    texts = [text or "" for text in rows.texts]
    for folder in data.added:
        table = read_snapshot(folder)
        ids += map(str, table[ID_COLUMN].to_pylist())
        texts += table["text"].to_pylist()
    return ids, texts
