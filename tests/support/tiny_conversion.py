"""Conversion of tiny checkpoints, for tests that need an engine model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.files import write_json
from tasks.core.conversion.convert import convert
from tasks.core.conversion.request import ConversionRequest
from tasks.core.conversion.tried_variants import Trial
from tasks.core.conversion.workbench import Workbench
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.conversion_section import Conversion
from tasks.core.round.sections import LabelledData
from tasks.core.training.trainer.checkpoint import read_card
from tests.support.tiny import make_sentences

TEXTS = [*make_sentences(260, seed=5), "good", " ".join(["word7"] * 200), "unknown words only"]
ROWS = 150


def conversion_request(
    checkpoint: Path, labels: tuple[str, ...], folder: Path, **settings: object
) -> ConversionRequest:
    """Return a request for some labels of a checkpoint, with labelled rows made for all of its labels.

    Only fp32 is tried unless `variants` says otherwise.
    """
    card = read_card(checkpoint)
    write_json(folder.parent / "texts.json", TEXTS)
    return ConversionRequest(
        checkpoint=str(checkpoint),
        labels=labels,
        texts_file=str(folder.parent / "texts.json"),
        splits_path=_labelled_rows(card.labels, card.head, folder.parent),
        settings=Conversion.model_validate({"parity_texts": 200, "scored_texts": 200, "variants": ()} | settings),
        bootstrap_resamples=100,
        rivals=(),
        folder=str(folder),
    )


def convert_tiny(checkpoint: Path, labels: tuple[str, ...], folder: Path, **settings: object) -> dict[str, EngineModel]:
    """Convert a checkpoint; see `conversion_request`."""
    return convert(conversion_request(checkpoint, labels, folder, **settings))


def with_texts(request: ConversionRequest, texts: list[str]) -> ConversionRequest:
    """Return the request with other texts of the sample."""
    path = Path(request.folder).parent / "own_texts.json"
    write_json(path, texts)
    return replace(request, texts_file=str(path))


def with_speeds(speeds: dict[str, float]) -> Callable[[Workbench, list[Trial], int], list[Trial]]:
    """Return what times trials for the ladder as if some variants, by name, had these speeds, and the others 1."""

    def measure(_bench: Workbench, trials: list[Trial], rounds: int) -> list[Trial]:
        return [
            replace(trial, costs=((speeds.get(trial.variant.name, 1.0), 100.0),) * rounds) if trial.graph else trial
            for trial in trials
        ]

    return measure


def _labelled_rows(labels: tuple[str, ...], head: str, folder: Path) -> str:
    """Write rows of which each is true for one label in turn, and split them."""
    numbers = np.arange(ROWS) % (len(labels) + (head == "binary"))
    columns = {label: pa.array((numbers == place).astype(np.int8)) for place, label in enumerate(labels)}
    table = pa.table({"tweet_id": pa.array(range(ROWS), pa.int64()), "text": make_sentences(ROWS, seed=4)} | columns)
    pq.write_table(table, folder / "labelled.parquet")
    # Which head the rows are for does not matter here; multi_label takes them as they are.
    request = StudyRequest("tiny", {label: label for label in labels}, "multi_label", "average_precision", "none")
    return prepare_splits(LabelledData(path=folder / "labelled.parquet"), request, folder / "splits").path
