"""The decided labels of a round's batches -> a snapshot, versioned and named by its digest, for training to add.

Reads   <work_path>/<country>/<round>/batches/*
Writes  <work_path>/<country>/<round>/labels/v0001-<digest>: see `tasks.core.corpus.labelled.label_snapshot`
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.formats import write_record
from tasks.core.base.locks import alone
from tasks.core.base.naming.composed_names import snapshot_folder
from tasks.core.base.naming.file_names import SNAPSHOT_FILE, SNAPSHOT_LABELS_FILE, SNAPSHOT_LOCK
from tasks.core.base.naming.work_places import snapshots_folder
from tasks.core.corpus.labelled.label_snapshot import SNAPSHOT, LabelSnapshot, read_about, read_snapshot
from tasks.core.corpus.labelled.rows import target_column
from tasks.core.exchange.batch import Kind, list_batches, read_batch
from tasks.core.exchange.labelled_before import text_key
from tasks.core.exchange.settle import Settled, settle
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN

CONTRADICTED = "decided differently in two batches"
TWO_TEXTS = "two batches have other texts under its id"


@dataclass(frozen=True)
class Gathered:
    """The decided labels of several batches."""

    table: pa.Table
    undecided: dict[str, dict[str, int]]


def take_snapshot(round_: Round, kinds: Sequence[Kind] = ("sampling",)) -> tuple[Path, LabelSnapshot]:
    """Write what is decided by now, unless a snapshot says the same, and return its folder and what it says.

    Raises:
        InputDataError: there is no batch of these kinds, or nothing in them is decided.
        TornRecordError: a snapshot that is there was altered.
    """
    settled = _settled(round_, kinds)
    gathered = gather(settled, sorted({label for one in settled for label in one.batch.draws["label"].to_pylist()}))
    if not gathered.table.num_rows:
        raise InputDataError(
            f"no text of {', '.join(one.batch.folder.name for one in settled)} has a decided label "
            f"({_counted(gathered.undecided)}). Import answers with `winnow labels import`, or settle disagreements."
        )
    digest = fingerprint(gathered.table.to_pydict())
    folder = snapshots_folder(round_.work_path, round_.country, round_.name)
    with alone(folder / SNAPSHOT_LOCK):  # or two at once would give one version to two snapshots
        before = {path.parent: read_about(path.parent) for path in sorted(folder.glob(f"v*/{SNAPSHOT_FILE}"))}
        same = next((path for path, about in before.items() if about.digest == digest), None)
        version = max((about.version for about in before.values()), default=0) + 1
        target = same or _write(folder, version, digest, gathered, _about(round_, settled, gathered))
        read_snapshot(target)
    return target, read_about(target)


def _counted(undecided: dict[str, dict[str, int]]) -> str:
    return "; ".join(
        f"{label}: {', '.join(f'{count:,} {how}' for how, count in counts.items())}"
        for label, counts in undecided.items()
    )


def gather(settled: Sequence[Settled], labels: Sequence[str]) -> Gathered:
    """Join the batches' decisions, a row a text: blank where undecided, or where two batches contradict each other.

    An id that stands for one text in a batch and for another one in the next is left out.
    """
    found: dict[Any, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    types = {one.batch.texts.schema.field(ID_COLUMN).type for one in settled}
    as_id = str if len(types) > 1 else _as_it_is
    undecided: dict[str, Counter[str]] = {label: Counter() for label in labels}
    texts: dict[Any, str] = {}
    keys: dict[Any, set[str]] = defaultdict(set)
    for one in settled:
        ids = map(as_id, one.batch.texts[ID_COLUMN].to_pylist())
        for id_, text in zip(ids, one.batch.texts["text"].to_pylist(), strict=True):
            texts[id_] = text
            keys[id_].add(text_key(text))
        for row in one.decided.to_pylist():
            if row["target"] is None:
                undecided[row["label"]][row["how"]] += 1
            else:
                found[as_id(row[ID_COLUMN])][row["label"]].add(row["target"])
    for id_, targets in found.items():
        for label, values in targets.items():
            undecided[label][TWO_TEXTS] += len(keys[id_]) > 1
            undecided[label][CONTRADICTED] += len(values) > 1 and len(keys[id_]) == 1
    rows = {
        id_: {label: next(iter(values)) for label, values in targets.items() if len(values) == 1}
        for id_, targets in sorted(found.items(), key=lambda item: str(item[0]))
        if len(keys[id_]) == 1
    }
    rows = {id_: targets for id_, targets in rows.items() if targets}
    columns = {
        ID_COLUMN: pa.array(list(rows), types.pop() if len(types) == 1 else pa.string()),
        "text": pa.array([texts[id_] for id_ in rows], pa.string()),
    }
    for label in labels:
        columns[target_column(label)] = pa.array([targets.get(label) for targets in rows.values()], pa.int8())
    return Gathered(pa.table(columns), {label: dict(+counts) for label, counts in undecided.items()})


def _as_it_is(id_: Any) -> Any:
    return id_


def _settled(round_: Round, kinds: Sequence[Kind]) -> list[Settled]:
    batches = [read_batch(folder) for folder in list_batches(round_)]
    settled = [settle(batch, round_) for batch in batches if batch.about.kind in kinds]
    if not settled:
        raise InputDataError(
            f"the round {round_.name} has no labelling batch of the kinds {list(kinds)} below {round_.work_path}; run "
            f"the deployment sampling/{round_.name}, label what it draws, and import the answers"
        )
    return settled


def _about(round_: Round, settled: Sequence[Settled], gathered: Gathered) -> dict[str, Any]:
    rule = round_.labelling.model_dump(mode="json", include={"rule", "least_votes", "controls_right"})
    counts = {}
    for label in gathered.undecided:
        values = gathered.table[target_column(label)].to_pylist()
        counts[label] = {"yes": values.count(1), "no": values.count(0)}
    return {
        "round_name": round_.name,
        "batches": {one.batch.folder.name: {**rule, "left_out": one.failed} for one in settled},
        "labels": counts,
        "undecided": gathered.undecided,
    }


def _write(folder: Path, version: int, digest: str, gathered: Gathered, about: dict[str, Any]) -> Path:
    target = folder / snapshot_folder(version, digest)
    with folder_aside(target) as aside:
        pq.write_table(gathered.table, aside / SNAPSHOT_LABELS_FILE, compression="zstd")
        checksum = sha256_of_file(aside / SNAPSHOT_LABELS_FILE)
        said = LabelSnapshot(version=version, digest=digest, sha256=checksum, **about)
        write_record(aside / SNAPSHOT_FILE, SNAPSHOT, asdict(said))
        put_in_place(aside, target, stands=(target / SNAPSHOT_FILE).exists)
    return target
