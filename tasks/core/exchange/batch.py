"""A labelling batch: the texts that go out to labellers, and why each was drawn.

<work_path>/<country>/<round>/batches/<kind>-<batch_id>/
  draws.parquet     a row a text, label and draw: method, reason, rank, score, stage, stratum, inclusion probability
  texts.parquet     a row a text that goes out: its labels and author
  batch.json        written last: what it was drawn from, and how
  answers.parquet   after an import: a row a text, label and annotator; see answers.py
  decided.parquet   what the answers of several annotators come to; see decide.py

Draws of one label are made independently of each other, so a text's inclusion probability for a label over several
draws is 1 - prod(1 - p).
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from tasks.core.base.errors import InputDataError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.naming.file_names import BATCH_FILE, BATCH_TEXTS_FILE, DRAWS_FILE
from tasks.core.base.naming.work_places import batch_folder, batches_folder
from tasks.core.base.parquet import read_parquet
from tasks.core.exchange.batch_tables import DRAWS, TEXTS, check_draws, check_texts, conform
from tasks.core.round.model import Round

Kind = Literal["sampling", "evaluation"]


@dataclass(frozen=True)
class BatchAbout:
    """What `batch.json` says: what a batch was drawn from, and how."""

    batch_id: str
    """The fingerprint of all that the batch follows from: the same inputs give the same batch."""
    kind: Kind
    country: str
    round_name: str
    run_folder: str
    run_id: str
    population: dict[str, int]
    """Each label was drawn from so many rows."""
    settings: dict[str, Any]
    """The parameters of the draws, as the round file has them."""
    random_state: int
    counts: dict[str, Any]
    """So many texts were drawn, excluded and capped, with reasons."""
    digests: dict[str, str] = field(default_factory=dict)
    """Each of the batch's tables has this sha256; `write_batch` fills it in."""


@dataclass(frozen=True)
class Batch:
    """A batch on disk, read."""

    folder: Path
    draws: pa.Table
    """The columns are those of `batch_tables.DRAWS`."""
    texts: pa.Table
    """The columns are those of `batch_tables.TEXTS`."""
    about: BatchAbout


BATCH = FileFormat(
    kind="labelling batch",
    number=1,
    schema=BatchAbout,
    remedy="Delete the batch's folder unless its texts went out, and draw it again",
    check=TypeAdapter(BatchAbout).validate_python,
)


def write_batch(folder: Path, draws: pa.Table, texts: pa.Table, about: BatchAbout) -> Batch:
    """Write a batch, whole or not at all, and return it as it is read; one of the same content is left as it stands.

    Raises:
        InputDataError: draws and texts that are no batch, a folder of another name, or one that holds other draws.
    """
    _check_name(folder, about)
    draws, texts = conform(draws, DRAWS, "the draws"), conform(texts, TEXTS, "the texts")
    check_draws(draws)
    check_texts(texts, draws)
    with folder_aside(folder) as aside:
        pq.write_table(draws, aside / DRAWS_FILE, compression="zstd")
        pq.write_table(texts, aside / BATCH_TEXTS_FILE, compression="zstd")
        about = replace(about, digests=_digests(aside))
        write_record(aside / BATCH_FILE, BATCH, asdict(about))
        put_in_place(aside, folder, stands=(folder / BATCH_FILE).exists)
    found = read_batch(folder)
    if found.about.digests != about.digests:
        raise InputDataError(
            f"{folder} holds other draws than were made now from what should be the same: a batch that went out is "
            "never written over. If nobody has its texts yet, delete the folder and draw again."
        )
    return found


def read_batch(folder: Path) -> Batch:
    """Read a batch.

    Raises:
        InputDataError: there is none.
        FormatError: it is of a format that this version does not read.
        TornRecordError: it was altered, or is not whole.
    """
    try:
        about = BatchAbout(**read_record(folder / BATCH_FILE, BATCH))
        digests = _digests(folder)
    except FileNotFoundError as error:
        raise InputDataError(
            f"{folder} is no labelling batch: it lacks {Path(str(error.filename)).name}. Batches lie in "
            "<work_path>/<country>/<round>/batches; the sampling and evaluation flows make them."
        ) from None
    if digests != about.digests:
        altered = sorted(name for name, digest in digests.items() if digest != about.digests.get(name))
        raise TornRecordError(
            f"{folder} was altered: {altered} are not the files that {BATCH_FILE} was written for. {BATCH.remedy}."
        )
    return Batch(folder, read_parquet(folder / DRAWS_FILE), read_parquet(folder / BATCH_TEXTS_FILE), about)


def list_batches(round_: Round) -> list[Path]:
    """Return the folders of a round's whole batches, in the order of their names."""
    return batches_in(batches_folder(round_.work_path, round_.country, round_.name))


def batches_in(folder: Path) -> list[Path]:
    """Return the folders of the whole batches in a folder, in the order of their names."""
    return sorted(path.parent for path in folder.glob(f"*/{BATCH_FILE}") if not path.parent.name.startswith("."))


def place_of(round_: Round, kind: Kind, batch_id: str) -> Path:
    """Return where a round's batch lies, or will lie."""
    return batch_folder(batches_folder(round_.work_path, round_.country, round_.name), kind, batch_id)


def _check_name(folder: Path, about: BatchAbout) -> None:
    if about.kind not in get_args(Kind) or folder != batch_folder(folder.parent, about.kind, about.batch_id):
        raise InputDataError(
            f"a batch of the kind '{about.kind}' with the id {about.batch_id} cannot lie in {folder}: kinds are "
            f"{list(get_args(Kind))}, and the folder is called <kind>-<batch_id>"
        )


def _digests(folder: Path) -> dict[str, str]:
    return {name: sha256_of_file(folder / name) for name in (DRAWS_FILE, BATCH_TEXTS_FILE)}
