"""What decides a seed's training, and what it gave."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint, sha256_of_file
from tasks.core.base.naming.composed_names import seed_folder
from tasks.core.base.naming.work_places import seeds_folder
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.preprocessing import preprocessing_digest
from tasks.core.round.model import Round
from tasks.core.round.training_section import Training
from tasks.core.training.base_models.base_folder import base_model_digest, require_length
from tasks.core.training.finished import read_finished, result_format

TRAINING_FORMAT = 2
"""This number rises when training itself changes, so that seeds are trained again."""
DECISIVE_LIBRARIES = ("torch", "transformers")
"""Their versions change weights, so that seeds of two versions are not compared."""
UNDECISIVE = {"seeds", "minimum_seeds", "bootstrap_resamples", "search"}
"""These settings do not change what a seed's training gives."""


@dataclass(frozen=True)
class Mixing:
    """How a student's two targets of a text, the experts' probability and a hard one, are weighed."""

    alpha: float
    """Where a text has both targets, the loss on the hard one weighs so much, and the other one the rest."""
    temperature: float
    """Logits are divided by this before student and experts are compared."""


@dataclass(frozen=True)
class SeedPlan:
    """All that decides what a seed's training gives."""

    splits: LabelledSplits
    seed: int
    training: Training
    base_model: str
    """Training starts from the checkpoint in this folder."""
    base_model_digest: str
    """This is the fingerprint of the folder's files that decide; who loads them compares."""
    preprocessing: str
    root: str
    """The folders of the study's seeds lie in this one."""
    mixing: Mixing | None = None
    """The train rows have hard targets beside the experts' probabilities, weighed so; None where they have one kind."""

    @property
    def study(self) -> str:
        """What the seeds of one model are called together: the label, or the head of a model with several."""
        return self.splits.study

    @property
    def config_hash(self) -> str:
        """Fingerprint of what decides the result; two plans with one hash train the same model."""
        return fingerprint([self.study_hash, self.seed])

    @property
    def study_hash(self) -> str:
        """The same for all seeds of the study."""
        settings = self.training.model_dump(mode="json", exclude=UNDECISIVE)
        texts = [self.preprocessing, preprocessing_digest(self.preprocessing)]
        data = [self.splits.study, self.splits.labels, self.splits.head, self.splits.digest]
        versions = {library: version(library).split("+")[0] for library in DECISIVE_LIBRARIES}
        mixing = [] if self.mixing is None else [asdict(self.mixing)]
        return fingerprint([TRAINING_FORMAT, versions, data, self.base_model_digest, texts, settings, *mixing])

    @property
    def folder(self) -> Path:
        """Where the seed's files lie."""
        return Path(self.root) / seed_folder(self.seed, self.config_hash)


@dataclass(frozen=True)
class SeedResult:
    """What a finished seed gave; its folder holds it as `result.json`."""

    study: str
    seed: int
    config_hash: str
    evaluations: list[dict[str, float]]
    """Each evaluation has its validation figures, training loss, epoch and step."""
    metrics: dict[str, float]
    """The kept checkpoint has these `validation_*` and `test_*` figures."""
    thresholds: dict[str, float]
    """Each label's F1 on the validation split is best from this score on."""
    checkpoint_sha256: dict[str, str]
    """Each of the checkpoint's files has this checksum, by name."""


SEED_RESULT = result_format("seed's result", SeedResult, "training")


def plan_seeds(round_: Round, splits: LabelledSplits, base_model: str) -> list[SeedPlan]:
    """Return one plan for each of the round's seeds of a study; `base_model` is a folder.

    Raises:
        ModelFolderError: the base model's folder is not as it must be, or reads fewer tokens than the round asks.
    """
    digest = base_model_digest(base_model)
    require_length(base_model, round_.training.max_length_tokens, "training.max_length_tokens")
    root = str(seeds_folder(round_.work_path, round_.name, splits.study))
    return [
        SeedPlan(splits, seed, round_.training, base_model, digest, round_.preprocessing, root)
        for seed in round_.training.seeds
    ]


def read_result(plan: SeedPlan) -> SeedResult | None:
    """Return the result of a finished seed, or None.

    Raises:
        TrainingError: the folder's result belongs to another configuration.
    """
    result: SeedResult | None = read_finished(SEED_RESULT, plan.folder, plan.config_hash)
    return result


def verify_checkpoint(folder: Path, sha256: dict[str, str]) -> None:
    """Raise ModelFolderError when a finished seed's checkpoint is no longer what training wrote."""
    changed = sorted(
        name
        for name, expected in sha256.items()
        if not (folder / name).is_file() or sha256_of_file(folder / name) != expected
    )
    if changed:
        raise ModelFolderError(
            f"{folder} is not what training wrote: {', '.join(changed)} differ. Delete it and run the training "
            "flow again."
        )
