"""Canaries: texts whose logits travel with the engine model, to be met again wherever it is loaded."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.cpu import cpu_features, processor_name
from tasks.core.base.errors import MachineError, ModelFolderError
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.file_names import CANARIES_FILE
from tasks.core.engines.libraries import library_versions
from tasks.core.engines.model_folder import EngineModel
from tasks.core.preprocessing import preprocess

COUNT = 64


@dataclass(frozen=True)
class Machine:
    """What may change a model's logits from one machine to another."""

    processor: str
    cpu_features: tuple[str, ...]
    libraries: dict[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine."""
        return cls(processor_name(), cpu_features(), library_versions())


@dataclass(frozen=True)
class Canaries:
    """Texts as they stand in the sample, and the logits that each variant in the folder gave them."""

    texts: list[str]
    logits: dict[str, list[list[float]]]
    """Each variant has its logits of shape (texts, columns) here, by its name."""
    made_on: Machine

    def prepared(self, preprocessing: str) -> list[str]:
        """Return the texts as the tokenizer gets them."""
        return preprocess(preprocessing, self.texts)


CANARIES = FileFormat(
    kind="file of canaries",
    number=2,
    schema=Canaries,
    remedy="Run the conversion flow again with this version of Winnow",
    unnumbered=1,
    migrations={1: unchanged},
)


def write_canaries(folder: Path, texts: list[str], logits: dict[str, NDArray[np.float32]]) -> None:
    """Write the canaries of a model folder, as met on this machine."""
    rows = {name: values.astype(np.float64).tolist() for name, values in logits.items()}
    write_record(folder / CANARIES_FILE, CANARIES, asdict(Canaries(texts, rows, Machine.here())))


def read_canaries(folder: Path) -> Canaries:
    """Read a model folder's canaries.

    Raises:
        ModelFolderError: they cannot be read.
        FormatError: they are of a format that this version does not read.
    """
    path = folder / CANARIES_FILE
    try:
        content = read_record(path, CANARIES)
        made_on = content["made_on"]
        machine = Machine(made_on["processor"], tuple(made_on["cpu_features"]), dict(made_on["libraries"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{path} cannot be read: {error!r}. Delete {folder} to fetch it again.") from None
    return Canaries(content["texts"], content["logits"], machine)


def require_canaries(canaries: Canaries, model: EngineModel, found: NDArray[np.float32]) -> None:
    """Compare the canaries' logits with those they had where the model was made.

    Raises:
        ModelFolderError: there are none for the model's variant, or not as many.
        MachineError: one differs by more than the model tolerates; the message says what else differs.
    """
    expected = np.array(canaries.logits.get(model.variant.name, []), dtype=np.float64)
    if expected.shape != found.shape or not len(expected):
        raise ModelFolderError(
            f"{model.folder}/{CANARIES_FILE} holds logits of shape {expected.shape} for {model.variant.name}, but the "
            f"graph gives {found.shape}: the canaries are another model's. Run the conversion flow again."
        )
    difference = np.abs(expected - found).max(axis=1)
    if np.isfinite(difference).all() and difference.max() <= model.canary_tolerance:
        return
    worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
    raise MachineError(
        f"the engine model of '{model.label}' ({model.variant.name}) gives other logits than where it was made: "
        f"{found[worst].tolist()} instead of {expected[worst].tolist()} for {canaries.texts[worst][:80]!r}; a logit "
        f"may differ by {model.canary_tolerance:g}, this one does by {difference[worst]:.2g}. "
        f"{_what_differs(canaries)} Score on machines of the kind it was made on, run the conversion flow on this kind "
        "(-p remake=true), or set inference.fall_back_to_fp32 in the round file (in MLflow: "
        "model_config={'fall_back_to_fp32': True})."
    )


def _what_differs(canaries: Canaries) -> str:
    """Say how this machine differs from the one the canaries were made on."""
    before, here = canaries.made_on, Machine.here()
    lost = sorted(set(before.cpu_features) - set(here.cpu_features))
    gained = sorted(set(here.cpu_features) - set(before.cpu_features))
    differences = [f"this CPU lacks {', '.join(lost)}"] if lost else []
    differences += [f"this CPU also has {', '.join(gained)}"] if gained else []
    differences += [
        f"{name} is {here.libraries[name]}, was {old}"
        for name, old in before.libraries.items()
        if here.libraries.get(name) != old
    ]
    if not differences and here.processor != before.processor:
        differences = [f"the processor is {here.processor}, was {before.processor}"]
    same = "CPU and libraries are those it was made on, so graph, tokenizer or canaries are another model's."
    return f"What differs: {'; '.join(differences)}." if differences else same
