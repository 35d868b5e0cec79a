"""What decides a seed's training, and what it gave."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.corpus.labelled import LabelledSplits
from tasks.core.errors import ModelFolderError, TrainingError
from tasks.core.files import fingerprint, read_json, sha256_of_folder, write_json
from tasks.core.round import Round, Training
from tasks.core.training.base_model import base_model_fingerprint, require_length

TRAINING_FORMAT = 1
"""Raised when training itself changes, so that seeds are trained again."""
RESULT_FILE = "result.json"
PREDICTIONS_FILE = "predictions.parquet"
CHECKPOINT_FOLDER = "checkpoint"


@dataclass(frozen=True)
class SeedPlan:
    """All that decides what a seed's training gives."""

    label: str
    seed: int
    splits: LabelledSplits
    base_model: str
    base_model_digest: str
    preprocessing: str
    training: Training
    root: str
    """Folder of all seeds."""

    @property
    def config_hash(self) -> str:
        """Fingerprint of what decides the result; two plans with one hash train the same model."""
        return fingerprint([self.study_hash, self.seed])

    @property
    def study_hash(self) -> str:
        """The same for all seeds of the label."""
        settings = self.training.model_dump(mode="json", exclude={"seeds"})
        return fingerprint(
            [TRAINING_FORMAT, self.label, self.splits.digest, self.base_model_digest, self.preprocessing, settings]
        )

    @property
    def folder(self) -> Path:
        """Where the seed's files lie."""
        return Path(self.root) / self.label / f"seed-{self.seed}-{self.config_hash}"


@dataclass(frozen=True)
class SeedResult:
    """What a finished seed gave; its folder holds it as `result.json`."""

    label: str
    seed: int
    config_hash: str
    epochs: list[dict[str, float]]
    """Validation figures and training loss after each epoch."""
    metrics: dict[str, float]
    """`validation_*` and `test_*` figures of the kept checkpoint."""
    checkpoint_sha256: dict[str, str]
    """Of each of the checkpoint's files, by name."""


def plan_seeds(round_: Round, splits: LabelledSplits) -> list[SeedPlan]:
    """Return one plan for each of the round's seeds of a label.

    Raises:
        ModelFolderError: the base model's folder is missing or incomplete, or reads fewer tokens than the round asks.
    """
    digest = base_model_fingerprint(round_.base_model)
    require_length(round_.base_model, round_.training.max_length_tokens)
    root = str(round_.work_path / "seeds")
    return [
        SeedPlan(splits.label, seed, splits, round_.base_model, digest, round_.preprocessing, round_.training, root)
        for seed in round_.training.seeds
    ]


def write_result(result: SeedResult, folder: Path) -> None:
    """Write the result; from here on the seed counts as finished."""
    write_json(folder / RESULT_FILE, asdict(result))


def read_result(plan: SeedPlan) -> SeedResult | None:
    """Return the result of a finished seed, or None.

    Raises:
        TrainingError: the folder's result belongs to another configuration.
    """
    path = plan.folder / RESULT_FILE
    if not path.is_file():
        return None
    result = SeedResult(**read_json(path))
    if result.config_hash != plan.config_hash:
        raise TrainingError(
            f"{path} was written for configuration {result.config_hash}, expected {plan.config_hash}. "
            f"Move {plan.folder} away and run the training flow again."
        )
    return result


def verified_checkpoint(plan: SeedPlan, result: SeedResult) -> Path:
    """Return the finished seed's checkpoint folder.

    Raises:
        ModelFolderError: its files are no longer those that training wrote.
    """
    checkpoint = plan.folder / CHECKPOINT_FOLDER
    found = sha256_of_folder(checkpoint)
    changed = sorted(
        name
        for name in found.keys() | result.checkpoint_sha256
        if found.get(name) != result.checkpoint_sha256.get(name)
    )
    if changed:
        raise ModelFolderError(
            f"{checkpoint} is not what training wrote: {', '.join(changed)} differ. Delete {plan.folder} and run the "
            "training flow again."
        )
    return checkpoint
