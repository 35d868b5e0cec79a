"""What the answers of several annotators come to, text by text and label by label, by the round's rule."""

from collections import Counter, defaultdict

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.files import write_aside
from tasks.core.base.naming.file_names import DECIDED_FILE
from tasks.core.exchange.answers import ADJUDICATOR, Answers
from tasks.core.exchange.batch import Batch
from tasks.core.exchange.controls import ControlRecord
from tasks.core.round.labelling_section import Labelling
from tasks.core.runs.parts import ID_COLUMN

TO_ADJUDICATE = "to adjudicate"
UNDECIDED = ("tied", "disagreed", TO_ADJUDICATE)
"""These words stand in `how` where annotators said both yes and no, and nothing was decided."""
COLUMNS = (ID_COLUMN, "label", "target", "votes_yes", "votes_no", "how")


def decide(batch: Batch, answers: Answers, records: dict[str, ControlRecord], labelling: Labelling) -> pa.Table:
    """Return a row for each text and label of the batch, in the order of its draws; the target is 1, 0 or null."""
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for (annotator, key), one in answers.items():
        record = records.get(annotator)
        if record is None or not record.failed:
            said[key][annotator] = one.answer
    pairs = list(dict.fromkeys(zip(batch.draws[ID_COLUMN].to_pylist(), batch.draws["label"].to_pylist(), strict=True)))
    rows = [(id_, label, *decision(said[str(id_), label], labelling)) for id_, label in pairs]
    types = [batch.draws.schema.field(ID_COLUMN).type, pa.string(), pa.int8(), pa.int32(), pa.int32(), pa.string()]
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    return pa.table(arrays, names=list(COLUMNS))


def decision(said: dict[str, str], labelling: Labelling) -> tuple[int | None, int, int, str]:
    """Return target, votes for yes, votes for no, and how it was decided, or why not; `said` is by annotator."""
    votes = Counter(answer for annotator, answer in said.items() if annotator != ADJUDICATOR)
    yes, no = votes["yes"], votes["no"]
    last = said.get(ADJUDICATOR)
    if last in ("yes", "no"):
        return int(last == "yes"), yes, no, "adjudicated"
    if not yes + no:
        return None, yes, no, "unsure" if votes["unsure"] or last == "unsure" else "unanswered"
    if yes + no < labelling.least_votes:
        return None, yes, no, "too few votes"
    if not (yes and no):
        return int(yes > 0), yes, no, "unanimous"
    if labelling.rule == "majority":
        return (None, yes, no, "tied") if yes == no else (int(yes > no), yes, no, "majority")
    return None, yes, no, TO_ADJUDICATE if labelling.rule == "adjudicate" else "disagreed"


def write_decided(batch: Batch, decided: pa.Table) -> None:
    """Write what was decided beside the batch."""
    with write_aside(batch.folder / DECIDED_FILE) as aside:
        pq.write_table(decided, aside, compression="zstd")
