"""The engine model's folder: all that scoring needs, and nothing from anywhere else.

model.onnx       the graph that serves
fp32.onnx        the same model in fp32, where model.onnx is not: inference may fall back to it
tokenizer.json   the tokenizer
canaries.json    texts and the logits they gave where the model was made
parity.json      how this and the other variants compare with the checkpoint
engine.json      the EngineModel, with the sha256 of the files above; written last
MLmodel, code/winnow.zip, ...   what makes the folder an MLflow pyfunc: see tasks.core.conversion.packing.pyfunc_files
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint, read_json, sha256_of_file, write_json
from tasks.core.engines.variants import FP32, Variant
from tasks.core.preprocessing import require_preprocessing

ENGINE_FILE = "engine.json"
ONNX_FILE = "model.onnx"
FP32_FILE = "fp32.onnx"
TOKENIZER_FILE = "tokenizer.json"
CANARIES_FILE = "canaries.json"
PARITY_FILE = "parity.json"
FORMAT = 3


@dataclass(frozen=True)
class EngineModel:
    """What the folder's `engine.json` says."""

    folder: str
    label: str
    head: str
    """How the logits' columns become scores: binary, multi_label or multi_class."""
    variant: Variant
    """How `model.onnx` is run."""
    positive_index: int
    """Column of the logits that belongs to the label."""
    max_length_tokens: int
    preprocessing: str
    preprocessing_digest: str
    """What the preprocessing made of fixed texts when the checkpoint was trained."""
    canary_tolerance: float
    """By how much a canary's logit may differ from the one it had where the model was made."""
    config_hash: str
    """Configuration of the checkpoint's training."""
    files: dict[str, str]
    """sha256 of each file, by name."""

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

    def in_fp32(self) -> "EngineModel":
        """Return the same model as ONNX Runtime runs it in fp32."""
        return replace(self, variant=FP32)


def write_engine_model(model: EngineModel) -> None:
    """Write `engine.json` beside the finished files."""
    content = asdict(model) | {"format": FORMAT}
    del content["folder"]
    write_json(Path(model.folder) / ENGINE_FILE, content)


def read_engine_model(folder: Path) -> EngineModel:
    """Read and verify a model folder.

    Raises:
        ModelFolderError: `engine.json` is missing or foreign, a file is missing or not the registered one, or the
            preprocessing gives other texts than it did in training.
    """
    path = folder / ENGINE_FILE
    if not path.is_file():
        raise ModelFolderError(f"{folder} is not an engine model's folder: it has no {ENGINE_FILE}")
    content = read_json(path)
    if content.pop("format", None) != FORMAT:
        raise ModelFolderError(
            f"{path} is not of format {FORMAT}; run the conversion flow again with this version of Winnow"
        )
    model = EngineModel(**content | {"folder": str(folder), "variant": Variant(**content["variant"])})
    for name, expected in model.files.items():
        _verify(folder / name, expected)
    require_preprocessing(model.preprocessing, model.preprocessing_digest)
    return model


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ModelFolderError(f"the model folder {path.parent} lacks {path.name}; delete the folder to fetch it again")
    actual = sha256_of_file(path)
    if actual != expected:
        raise ModelFolderError(
            f"{path} has sha256 {actual}, but {expected} was registered; delete {path.parent} to fetch it again"
        )
