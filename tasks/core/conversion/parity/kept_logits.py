"""Logits of fp32 graphs, kept: a conversion that is made again, or meets the checkpoint as a rival, has them already.

They are the slowest thing that a conversion measures, and follow from the graph, the texts and the machine alone.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.cpu import cpu_features
from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.folders_aside import sweep
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.naming.composed_names import kept_logits_file
from tasks.core.base.threads import cpu_threads

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class KeptLogits:
    """What a record says."""

    rows: int
    columns: int
    logits: str
    """The values are float32, row after row, in base64."""


KEPT_LOGITS = FileFormat(
    kind="kept logits", number=1, schema=KeptLogits, remedy="Delete it: the texts are scored again."
)


def kept_logits(folder: Path | None, graph: Path, rows: Path, score: Callable[[], Logits]) -> Logits:
    """Return the logits that `score` gives of a file of token rows by an fp32 graph, from `folder` where they are kept.

    What is torn, altered or of another format is scored again, and written anew. None keeps nothing.
    """
    if folder is None:
        return score()
    decisive = [sha256_of_file(graph), sha256_of_file(rows), version("onnxruntime"), cpu_features(), cpu_threads()]
    path = folder / kept_logits_file(fingerprint(decisive))
    try:
        return _decoded(KeptLogits(**read_record(path, KEPT_LOGITS)))
    except (FormatError, TornRecordError, FileNotFoundError):
        logits = score()
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        values = b64encode(np.ascontiguousarray(logits, dtype="<f4").tobytes()).decode()
        write_record(path, KEPT_LOGITS, asdict(KeptLogits(len(logits), logits.shape[1], values)))
        return logits


def _decoded(kept: KeptLogits) -> Logits:
    values = np.frombuffer(b64decode(kept.logits), dtype="<f4").astype(np.float32)
    return values.reshape(kept.rows, kept.columns)
