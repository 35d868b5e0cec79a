"""`winnow predict`: a round's engine model is found and opened, and texts are read."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx

from deployments.commands.round_folders import find_round
from deployments.environment import where_looked
from infra.errors import ServiceError
from tasks.core.base.errors import InputDataError, RoundFileError

if TYPE_CHECKING:
    from deployments.commands.predictor import Predictor

READ_BYTES = 1 << 17


def open_predictor(round_name: str, label: str) -> "Predictor":
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
    _require_server(os.environ.get("MLFLOW_TRACKING_URI", ""))
    from tasks.registered_engines import find_engine  # noqa: PLC0415 - a second, which a mistyped name need not wait

    use = find_engine(round_, label)
    from deployments.commands.predictor import open_engine_model  # noqa: PLC0415 - only now it is known that there is one

    return open_engine_model(use, round_.inference)


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
            f"{where_looked(address)}"
        ) from None
