"""What decides a pretraining, and what it gave."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from tasks.core.base.errors import ModelFolderError, RoundFileError, TrainingError
from tasks.core.base.files import fingerprint, sha256_of_folder
from tasks.core.base.naming.composed_names import state_folder
from tasks.core.base.naming.file_names import CHECKPOINT_FOLDER
from tasks.core.base.naming.work_places import pretraining_folder
from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.preprocessing import preprocessing_digest
from tasks.core.round.model import Round
from tasks.core.round.sections import Sample
from tasks.core.round.training_section import Pretraining
from tasks.core.training.base_models.base_folder import base_model_digest, require_length
from tasks.core.training.finished import read_finished, result_format

PRETRAINING_FORMAT = 1
"""This number rises when pretraining itself changes, so that base models are made again."""


@dataclass(frozen=True)
class PretrainingPlan:
    """All that decides what a pretraining gives."""

    base_model: str
    """Pretraining starts from this folder."""
    base_model_digest: str
    sample: Sample
    data_digest: str
    """This is the fingerprint of the sample's files and the text column."""
    preprocessing: str
    preprocessing_digest: str
    settings: Pretraining
    root: str
    """The folders of all pretrainings lie in this one."""

    @property
    def config_hash(self) -> str:
        """Fingerprint of what decides the result; where base model and sample lie does not."""
        settings = self.settings.model_dump(mode="json", exclude={"base_model", "sample"})
        return fingerprint(
            [PRETRAINING_FORMAT, self.base_model_digest, self.data_digest, self.preprocessing_digest, settings]
        )

    @property
    def folder(self) -> Path:
        """Where the finished base model and its result lie."""
        return Path(self.root) / self.config_hash

    @property
    def state_folder(self) -> Path:
        """Packed texts and checkpoints of an unfinished pretraining, to resume from."""
        return Path(self.root) / state_folder(self.config_hash)


@dataclass(frozen=True)
class PretrainingResult:
    """What a finished pretraining gave; its folder holds it as `result.json`."""

    config_hash: str
    head: Literal["kept", "new"]
    """With `new` the base model had no masked-language-model head, and `perplexity_before` is an untrained one's."""
    vocabulary: int
    """The tokenizer has so many tokens."""
    texts: int
    heldout_texts: int
    tokens: int
    """The training texts have so many tokens, separators included; each is seen once an epoch."""
    heldout_tokens: int
    steps: int
    perplexity_before: float
    perplexity_after: float
    loss_before: float
    """The masked tokens of the held-out texts have this mean loss; the masks are the same before and after."""
    loss_after: float
    curve: list[dict[str, float]]
    """Evaluations have `step`, `loss` and `perplexity` on held-out texts, and `train_loss` since the one before."""
    checkpoint_sha256: dict[str, str]


PRETRAINING_RESULT = result_format("pretraining's result", PretrainingResult, "pretraining")


def make_plan(round_: Round, base_model: str) -> PretrainingPlan:
    """Plan the round's pretraining, from the base model in this folder.

    Raises:
        RoundFileError: the round has no pretraining section.
        InputDataError: the sample cannot be used.
        ModelFolderError: the base model's folder is incomplete, or its blocks would be longer than it reads.
    """
    settings = round_.pretraining
    if settings is None:
        raise RoundFileError(f"the round {round_.name} has no section `pretraining`; add one to its file")
    sample = round_.samples[settings.sample]
    require_length(base_model, settings.block_length_tokens, "pretraining.block_length_tokens")
    return PretrainingPlan(
        base_model=base_model,
        base_model_digest=base_model_digest(base_model),
        sample=sample,
        data_digest=sample_digest(list_sample(sample), sample),
        preprocessing=round_.preprocessing,
        preprocessing_digest=preprocessing_digest(round_.preprocessing),
        settings=settings,
        root=str(pretraining_folder(round_.work_path)),
    )


def sample_digest(files: list[SampleFile], sample: Sample) -> str:
    """Fingerprint a sample's texts by its files and text column."""
    return fingerprint([{file.name: file.digest for file in files}, sample.text_column])


def require_figure(result: PretrainingResult) -> None:
    """Raise TrainingError when perplexity on held-out texts is no number: training diverged."""
    if not isfinite(result.perplexity_after):
        raise TrainingError(
            f"perplexity on held-out texts went from {result.perplexity_before:.4g} to {result.perplexity_after}: "
            "training diverged, and nothing is registered. Lower pretraining.learning_rate in the round file."
        )


def read_result(plan: PretrainingPlan) -> PretrainingResult | None:
    """Return the result of a finished pretraining, or None.

    Raises:
        TrainingError: the folder's result belongs to another configuration.
    """
    result: PretrainingResult | None = read_finished(PRETRAINING_RESULT, plan.folder, plan.config_hash)
    return result


def verified_checkpoint(plan: PretrainingPlan, result: PretrainingResult) -> Path:
    """Return the finished base model's folder.

    Raises:
        ModelFolderError: its files are no longer those that pretraining wrote.
    """
    checkpoint = plan.folder / CHECKPOINT_FOLDER
    if sha256_of_folder(checkpoint) != result.checkpoint_sha256:
        raise ModelFolderError(
            f"{checkpoint} is not what pretraining wrote. Delete {plan.folder} and run the pretraining flow again."
        )
    return checkpoint
