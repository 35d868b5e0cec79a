"""A screen's folder: weights, what they mean, and canaries.

screen.safetensors   `weights` int16 (buckets, labels), `units` and `base` float64 (labels)
screen.json          a SavedScreen: labels, n-grams, the sha256 of the weights, and canaries; written last
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tasks.core.base.errors import MachineError, ModelFolderError
from tasks.core.base.files import sha256_of_file, write_aside
from tasks.core.base.formats import Content, FileFormat, read_record, write_record
from tasks.core.base.naming.file_names import SCREEN_FILE, SCREEN_WEIGHTS_FILE
from tasks.core.screening.linear_screen import LinearScreen
from tasks.core.screening.ngram_shape import NgramShape

AGAIN = "Delete the folder, and run the inference flow again: the fitting draw's scores are kept"


@dataclass(frozen=True)
class SavedScreen:
    """What a screen's `screen.json` says."""

    labels: list[str]
    shape: dict[str, int]
    """Which n-grams become features: the fields of NgramShape."""
    weights_sha256: str
    canary_texts: list[str]
    canary_scores: list[list[float]]
    """Each canary scored this for each label where the screen was fitted; it must to the last bit everywhere."""


def _shape(said: dict[str, int]) -> NgramShape:
    return NgramShape(said["shortest"], said["longest"], bool(said["words"]), said["bits"])


def _check(content: Content) -> None:
    if content["shape"].keys() != set(NgramShape._fields):
        raise ValueError(f"it says {content['shape']} of its n-grams, not {NgramShape._fields}")
    shape = _shape(content["shape"])
    if not 0 < shape.shortest <= shape.longest or not 0 < shape.bits <= 32:
        raise ValueError(f"no n-grams are of the shape {content['shape']}")
    if np.shape(content["canary_scores"]) != (len(content["canary_texts"]), len(content["labels"])):
        raise ValueError("its canaries do not have one score a label")


SAVED_SCREEN = FileFormat(kind="screen", number=1, schema=SavedScreen, remedy=AGAIN, check=_check)


def save_screen(folder: Path, screen: LinearScreen, canaries: list[str]) -> None:
    """Write a screen, with texts that every machine must score as this one does.

    Raises:
        ModelFolderError: there are no canaries.
    """
    if not canaries:
        raise ModelFolderError(f"{folder} cannot be written without canaries: give some texts of the fitting draw.")
    with write_aside(folder / SCREEN_WEIGHTS_FILE) as aside:
        save_file({"weights": screen.weights, "units": screen.units, "base": screen.base}, aside)
    said = SavedScreen(
        labels=list(screen.labels),
        shape={name: int(value) for name, value in screen.shape._asdict().items()},
        weights_sha256=sha256_of_file(folder / SCREEN_WEIGHTS_FILE),
        canary_texts=canaries,
        canary_scores=screen.score(pa.array(canaries, pa.large_string())).tolist(),
    )
    write_record(folder / SCREEN_FILE, SAVED_SCREEN, asdict(said))


def load_screen(folder: Path) -> LinearScreen:
    """Load a screen whose weights are those that were saved, and whose canaries score here as they did there.

    Raises:
        ModelFolderError: a file is missing, altered or another screen's.
        MachineError: a canary scores otherwise.
    """
    said = _read(folder)
    path = folder / SCREEN_WEIGHTS_FILE
    try:
        if sha256_of_file(path) != said.weights_sha256:
            raise ModelFolderError(f"{path} is not the file that {SCREEN_FILE} beside it names by its sha256. {AGAIN}.")
        kept = load_file(path)
        shape = _shape(said.shape)
        screen = LinearScreen(tuple(said.labels), shape, kept["weights"], kept["units"], kept["base"])
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelFolderError(f"{path} cannot be read as a screen's weights: {error}. {AGAIN}.") from None
    _require_shape(path, screen)
    require_screen_canaries(screen, said)
    return screen


def require_screen_canaries(screen: LinearScreen, said: SavedScreen) -> None:
    """Score the canaries, and raise MachineError where one has another score than it had."""
    found = screen.score(pa.array(said.canary_texts, pa.large_string()))
    wrong = np.flatnonzero((found != np.array(said.canary_scores)).any(axis=1))
    if len(wrong):
        first = int(wrong[0])
        raise MachineError(
            f"the screen gives {len(wrong)} of {len(found)} canaries other scores than where it was fitted: "
            f"{found[first].tolist()} instead of {said.canary_scores[first]} for {said.canary_texts[first][:80]!r}. "
            "They are sums of integers and differ on no CPU: this Python or pyarrow knows other Unicode, or another "
            f"version of Winnow hashes otherwise. Install the same everywhere, or fit again. {AGAIN}."
        )


def _require_shape(path: Path, screen: LinearScreen) -> None:
    wanted = (1 << screen.shape.bits, len(screen.labels))
    if screen.weights.shape != wanted or screen.weights.dtype != np.int16:
        raise ModelFolderError(
            f"{path} holds weights of shape {screen.weights.shape} and type {screen.weights.dtype}, not {wanted} and "
            f"int16: they are another screen's. {AGAIN}."
        )


def _read(folder: Path) -> SavedScreen:
    try:
        return SavedScreen(**read_record(folder / SCREEN_FILE, SAVED_SCREEN))
    except FileNotFoundError:
        raise ModelFolderError(f"{folder} holds no {SCREEN_FILE}: it is no screen's folder. {AGAIN}.") from None
