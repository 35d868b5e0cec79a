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
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming import ENGINE_FILE, FP32_FILE, ONNX_FILE, TOKENIZER_FILE
from tasks.core.engines.variants import FP32, Variant
from tasks.core.preprocessing import require_preprocessing


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
    content = {key: value for key, value in asdict(model).items() if key != "folder"}
    write_record(Path(model.folder) / ENGINE_FILE, ENGINE, content)


def read_engine_model(folder: Path) -> EngineModel:
    """Read and verify a model folder.

    Raises:
        ModelFolderError: `engine.json` is missing, a file is missing or not the registered one, or the preprocessing
            gives other texts than it did in training.
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
