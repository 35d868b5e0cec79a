"""The engine model's folder: all that scoring needs, and nothing from anywhere else.

model.onnx       the graph that serves
fp32.onnx        the same model in fp32, where model.onnx is not: inference may fall back to it
tokenizer.json   the tokenizer
canaries.json    texts and the logits they gave where the model was made
parity.json      how this and the other variants compare with the checkpoint
engine.json      the EngineModel, with the sha256 of the files above; written last
MLmodel, code/winnow.zip, ...   what makes the folder an MLflow pyfunc: see tasks.core.conversion.packing.pyfunc_files
"""

import math
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import get_args

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.formats import Content, FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.file_names import CANARIES_FILE, ENGINE_FILE, FP32_FILE, ONNX_FILE
from tasks.core.base.naming.library_names import TOKENIZER_FILE
from tasks.core.engines.variants import FP32, Precision, Runtime, Variant
from tasks.core.preprocessing import require_preprocessing

NEEDED_FILES = (ONNX_FILE, TOKENIZER_FILE, CANARIES_FILE)
HEADS = ("binary", "multi_label", "multi_class")
LARGEST_TOLERANCE = 0.1
"""A canary that may differ by more than this would be no test."""


@dataclass(frozen=True)
class EngineModel:
    """What the folder's `engine.json` says."""

    label: str
    head: str
    """The head says how the logits' columns become scores: binary, multi_label or multi_class."""
    variant: Variant
    """The variant says how `model.onnx` is run."""
    positive_index: int
    """This column of the logits belongs to the label."""
    max_length_tokens: int
    preprocessing: str
    preprocessing_digest: str
    """The preprocessing made this of fixed texts when the checkpoint was trained."""
    canary_tolerance: float
    """A canary's logit may differ by so much from the one it had where the model was made."""
    config_hash: str
    """This fingerprint stands for the configuration of the checkpoint's training."""
    files: dict[str, str]
    """Each file has its sha256 here, by name."""
    judged_by: str = ""
    """This fingerprint stands for the gate's limits and the texts by which the variant was judged; the figures are in
    the report. Engine models of 0.1.0 do not say it."""
    gate_weakened: str = ""
    """These limits of the gate were weaker than those of any preset when the variant passed; mostly none were."""
    folder: str = ""
    """The folder lies here, which the file itself does not say."""

    @property
    def graph(self) -> str:
        """Name of the file that `variant` runs."""
        return FP32_FILE if self.variant == FP32 and FP32_FILE in self.files else ONNX_FILE

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer."""
        return Path(self.folder) / TOKENIZER_FILE

    @property
    def digest(self) -> str:
        """Fingerprint of what decides scores: graphs, tokenizer, and how texts reach them."""
        decisive = {name: self.files[name] for name in (ONNX_FILE, FP32_FILE, TOKENIZER_FILE) if name in self.files}
        return fingerprint(
            [
                decisive,
                asdict(self.variant),
                [self.head, self.positive_index, self.max_length_tokens],
                [self.preprocessing, self.preprocessing_digest],
            ]
        )

    @property
    def seal(self) -> str:
        """Fingerprint of all that the folder says: its label and its canaries too, which do not decide scores."""
        return fingerprint(self._content())

    def _content(self) -> Content:
        return {key: value for key, value in asdict(self).items() if key != "folder"}

    def in_fp32(self) -> "EngineModel":
        """Return the same model as ONNX Runtime runs it in fp32."""
        return replace(self, variant=FP32)


ENGINE = FileFormat(
    kind="engine model",
    number=4,
    schema=EngineModel,
    remedy="Run the conversion flow again with this version of Winnow",
    unnumbered=1,
    migrations={3: unchanged},
)


def write_engine_model(model: EngineModel) -> None:
    """Write `engine.json` beside the finished files."""
    write_record(Path(model.folder) / ENGINE_FILE, ENGINE, model._content())


def read_engine_model(folder: Path) -> EngineModel:
    """Read and verify a model folder.

    Raises:
        ModelFolderError: `engine.json` is missing or makes no sense, a file is missing or not the registered one, or
            the preprocessing gives other texts than it did in training.
        FormatError: `engine.json` is of a format that this version does not read.
    """
    path = folder / ENGINE_FILE
    if not path.is_file():
        raise ModelFolderError(f"{folder} is not an engine model's folder: it has no {ENGINE_FILE}")
    try:
        content = read_record(path, ENGINE)
        model = EngineModel(**content | {"folder": str(folder), "variant": Variant(**content["variant"])})
    except (ValueError, TypeError) as error:
        raise ModelFolderError(f"{path} cannot be read: {error}. Delete {folder} to fetch it again.") from None
    _require_sense(model, path)
    for name, expected in model.files.items():
        _verify(folder / name, expected)
    require_preprocessing(model.preprocessing, model.preprocessing_digest)
    return model


@cache
def read_planned_model(folder: str, seal: str) -> EngineModel:
    """Read and verify a model folder, once a process, and compare it with the seal that it was planned with.

    Raises:
        ModelFolderError: as `read_engine_model`, or the folder holds another engine model than the planned one.
    """
    model = read_engine_model(Path(folder))
    if model.seal != seal:
        raise ModelFolderError(
            f"{folder} holds another engine model than was planned: its seal is {model.seal} (label '{model.label}', "
            f"column {model.positive_index}, variant {model.variant.name}, canary tolerance {model.canary_tolerance:g})"
            f", the planned one's is {seal or 'not known'}. Delete the folder to fetch it again, then run the flow "
            "again."
        )
    return model


def _require_sense(model: EngineModel, path: Path) -> None:
    """Refuse what would score otherwise than any engine model that conversion writes."""
    runtimes, precisions = get_args(Runtime), get_args(Precision)
    texts = [model.label, model.preprocessing, model.preprocessing_digest, model.config_hash]
    problems = {
        f"its label, preprocessing or hash is no text: {texts}": all(isinstance(text, str) for text in texts),
        f"its head '{model.head}' is none of {', '.join(HEADS)}": model.head in HEADS,
        f"its variant {model.variant} is not run by {' or '.join(runtimes)} in {' or '.join(precisions)}": (
            model.variant.runtime in runtimes and model.variant.precision in precisions
        ),
        f"its label stands in column {model.positive_index!r}": _is_count(model.positive_index, 0),
        f"it reads {model.max_length_tokens!r} tokens": _is_count(model.max_length_tokens, 1),
        f"its canaries may differ by {model.canary_tolerance!r}, more than {LARGEST_TOLERANCE:g}": (
            isinstance(model.canary_tolerance, int | float)
            and math.isfinite(model.canary_tolerance)
            and 0 <= model.canary_tolerance <= LARGEST_TOLERANCE
        ),
        f"it names no {' or no '.join(NEEDED_FILES)}": (
            isinstance(model.files, dict)
            and set(NEEDED_FILES) <= model.files.keys()
            and all(isinstance(sha256, str) for sha256 in model.files.values())
        ),
    }
    wrong = [problem for problem, is_sound in problems.items() if not is_sound]
    if wrong:
        raise ModelFolderError(f"{path} makes no sense: {'; '.join(wrong)}. Delete {path.parent} to fetch it again.")


def _is_count(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ModelFolderError(f"the model folder {path.parent} lacks {path.name}; delete the folder to fetch it again")
    actual = sha256_of_file(path)
    if actual != expected:
        raise ModelFolderError(
            f"{path} has sha256 {actual}, but {expected} was registered; delete {path.parent} to fetch it again"
        )
