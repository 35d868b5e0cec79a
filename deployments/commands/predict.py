"""Score a few texts with the engine model that a round's inference uses.

A tab-separated table with a header: the label's probability, the calibrated one where the evaluation flow has
calibrated the version, a column a logit, and the text with backslash, tab and characters that do not print as escapes.
Each row depends on its text alone, and holds the very score that inference on this machine writes.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np

from deployments.commands.round_folders import find_round
from infra.errors import ServiceError
from tasks.core.base.errors import InputDataError, RoundFileError
from tasks.core.base.naming import OTHER_CLASS
from tasks.core.base.printable import on_one_line
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.engines.text_classifier import logits_of
from tasks.core.evaluation.calibration.calibrate import Calibration
from tasks.inference import find_engine
from tasks.records.evaluation_runs import find_calibration
from tasks.records.registry import get_version
from tasks.records.tracking import tracking_uri

READ_BYTES = 1 << 17


@dataclass(frozen=True)
class Predictor:
    """A label's engine model, opened."""

    model: EngineModel
    engine: Engine
    columns: int
    batch_tokens: int
    calibration: Calibration | None = None

    @property
    def header(self) -> str:
        """Names of the table's columns."""
        calibrated = [] if self.calibration is None else ["calibrated"]
        return "\t".join(["probability", *calibrated, *self._logit_names(), "text"])

    def _logit_names(self) -> list[str]:
        """Name the logits by their classes, where the model knows them: its own, and the other of a binary head."""
        names = [f"logit_{column}" for column in range(self.columns)]
        if self.model.head == "binary":
            names = [f"logit_{OTHER_CLASS}"] * self.columns
        names[self.model.positive_index] = f"logit_{self.model.label}"
        return names

    def lines(self, texts: list[str]) -> list[str]:
        """Return the table's rows of these texts."""
        logits = logits_of(texts, self.model, self.engine, self.batch_tokens)
        require_finite(logits, f"label '{self.model.label}'")
        scores = label_scores(logits, self.model.positive_index, self.model.head)
        columns = [scores] if self.calibration is None else [scores, self.calibration.probability(scores)]
        figures = np.stack(columns, axis=1).tolist()
        return [
            "\t".join([*map(str, [*own, *row]), escape(text)])
            for own, row, text in zip(figures, logits, texts, strict=True)
        ]


def open_predictor(round_name: str, label: str) -> Predictor:
    """Fetch and open the engine model of a round's label, canaries and all.

    Raises:
        RoundFileError: there is no such round, or it has no such label.
        ServiceError: no MLflow server answers.
        RegistryError: it has no engine model of the label.
        ModelFolderError: the model's files are not those that were registered.
        MachineError: it gives other logits here than where it was made.
    """
    round_ = find_round(round_name)
    if label not in round_.active_labels:
        raise RoundFileError(
            f"the round {round_.name} has no label '{label}'; it has: {', '.join(round_.active_labels)}"
        )
    _require_server(tracking_uri())
    use = find_engine(round_, label)
    model, engine = open_engine(use.folder, round_.inference.fall_back_to_fp32, use.seal)
    columns = logits_of([""], model, engine).shape[1]
    calibration = find_calibration(get_version(use.registered_model, use.version))
    return Predictor(model, engine, columns, round_.inference.batch_tokens, calibration)


def read_lines(descriptor: int) -> Iterator[list[str]]:
    """Yield the lines of an open file or pipe in lists, as many as have arrived; an empty line is a text too.

    Raises:
        InputDataError: a line is not UTF-8.
    """
    number, rest = 1, b""
    while block := os.read(descriptor, READ_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        if lines:
            yield [
                _decode(line.removesuffix(b"\r"), f"line {place} of standard input")
                for place, line in enumerate(lines, number)
            ]
        number += len(lines)
    if rest:
        yield [_decode(rest, f"line {number} of standard input")]


def read_words(words: list[str]) -> list[str]:
    """Return words of the command line, checked.

    Raises:
        InputDataError: one is not UTF-8.
    """
    return [_decode(os.fsencode(word), f"--text number {number}") for number, word in enumerate(words, 1)]


def escape(text: str) -> str:
    """Return the text on one line: backslash, tab and what does not print as escapes."""
    return on_one_line(text.replace("\\", "\\\\"))


def _decode(text: bytes, place: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InputDataError(f"{place} is not UTF-8: {text[:80]!r}; convert it first, for example with iconv") from None


def _require_server(address: str) -> None:
    """Ask the server once; MLflow itself would ask for minutes."""
    if not address.startswith("http"):
        return
    try:
        httpx.get(f"{address}/health", timeout=10)
    except httpx.TransportError as error:
        raise ServiceError(
            f"no MLflow server answers at {address}: {error}. `make up` starts one; MLFLOW_TRACKING_URI names another."
        ) from None
