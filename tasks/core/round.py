"""The round file: one YAML file says everything about a round.

Read with `tasks.core.round_file.read_round`. Paths are absolute once read; in the file they may be relative to its own
folder.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tasks.core.errors import RoundFileError
from tasks.core.naming import (
    METHOD_SUFFIXES,
    checkpoint_alias,
    engine_alias,
    registered_model_name,
    round_name,
)
from tasks.core.preprocessing import PREPROCESSINGS

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=60)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelledData(_Settings):
    """Where the human labels are: one Parquet file with an id, a text and a column a label (1, 0 or blank)."""

    path: Path
    id_column: str = "tweet_id"
    text_column: str = "text"
    split_column: str | None = None
    """Column that says train, validation or test; blank rows are left out. Without it, rows are split by share."""
    validation_share: float = Field(default=0.15, gt=0, lt=0.5)
    test_share: float = Field(default=0.25, gt=0, lt=0.5)
    split_seed: Seed = 0


class Training(_Settings):
    """How every seed is trained, and which seed wins."""

    seeds: tuple[Seed, ...] = Field(min_length=1)
    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0, lt=1)
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    max_length_tokens: int = Field(default=128, ge=8, le=512)
    freeze_embeddings: bool = False
    metric: Literal["average_precision", "roc_auc", "f1"] = "average_precision"
    """Measured on the validation split; chooses the epoch and the seed."""

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError(f"each seed may stand once, but they are {list(seeds)}")
        return seeds


class Conversion(_Settings):
    """On how many texts of the sample the engine model is compared with its checkpoint."""

    sample: Name = "evaluation"
    parity_texts: int = Field(default=1_000, ge=200)
    draw_seed: Seed = 0


class Sample(_Settings):
    """An unlabelled corpus to score: a Parquet file, or a folder of them."""

    path: Path
    id_column: str = "tweet_id"
    text_column: str = "text"


class Inference(_Settings):
    """How a sample is cut into shards, and shards into batches; both may change the last digits of scores."""

    output_path: Path
    shard_rows: int = Field(default=50_000, ge=1)
    batch_tokens: int = Field(default=2_048, ge=512)
    """Tokens in a batch, padding included."""


class Clusters(_Settings):
    """The cluster profile of each flow: a name in infra/clusters, a YAML file, or a scheduler's address."""

    training: str = "local"
    conversion: str = "local"
    inference: str = "local"


class Round(_Settings):
    """One turn of the active-learning loop: a country, an iteration and a method."""

    country: Name
    model_country: Name | None = None
    """The country whose models score this one, when it is another."""
    iteration: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=60)
    method: int = 0
    labels: dict[Label, str | None] = Field(min_length=1)
    """Label to its column in the labelled data; null leaves the label out of this round."""
    labelled_data: LabelledData
    preprocessing: str = "none"
    base_model: str
    """A folder with a checkpoint, or a hub id, best with the commit: `org/model@commit`."""
    training: Training
    conversion: Conversion = Conversion()
    samples: dict[Name, Sample] = Field(min_length=1)
    inference: Inference
    work_path: Path
    """Shared folder for splits, seeds and copies of registered models."""
    clusters: Clusters = Clusters()

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: int) -> int:
        if method not in METHOD_SUFFIXES:
            raise ValueError(f"allowed are {sorted(METHOD_SUFFIXES)}")
        return method

    @field_validator("iteration")
    @classmethod
    def _free_alias(cls, iteration: str) -> str:
        lower = iteration.lower()
        if lower in {"latest", "champion", "challenger", "iter"} or (lower[0] == "v" and lower[1:].isdigit()):
            raise ValueError(
                "the registry keeps latest, champion, challenger, v1, v2, ... for itself; choose another name"
            )
        return iteration

    @field_validator("preprocessing")
    @classmethod
    def _known_preprocessing(cls, preprocessing: str) -> str:
        if preprocessing not in PREPROCESSINGS:
            raise ValueError(f"allowed are {sorted(PREPROCESSINGS)}")
        return preprocessing

    @model_validator(mode="after")
    def _complete(self) -> "Round":
        if not self.active_labels:
            raise ValueError("every label is null; at least one needs a column")
        columns = list(self.active_labels.values())
        if len(set(columns)) < len(columns):
            raise ValueError(f"each label needs a column of its own, but they are {columns}")
        if self.conversion.sample not in self.samples:
            raise ValueError(f"conversion.sample is '{self.conversion.sample}', but samples has {sorted(self.samples)}")
        return self

    @property
    def name(self) -> str:
        """`us-iter0`."""
        return round_name(self.country, self.iteration, self.method)

    @property
    def active_labels(self) -> dict[str, str]:
        """The labels that this round does not leave out, with their columns."""
        return {label: column for label, column in self.labels.items() if column is not None}

    @property
    def checkpoint_alias(self) -> str:
        """`iter0`."""
        return checkpoint_alias(self.iteration, self.method)

    @property
    def engine_alias(self) -> str:
        """`iter0-onnx`."""
        return engine_alias(self.iteration, self.method)

    @property
    def model_round(self) -> str:
        """Name of the round whose flows make the models that this one uses: its own, or the model country's."""
        return round_name(self.model_country or self.country, self.iteration, self.method)

    def require_own_models(self) -> None:
        """Raise RoundFileError unless the round makes its own models."""
        if self.model_round != self.name:
            raise RoundFileError(
                f"the round {self.name} uses the models of {self.model_country} (model_country), so it has nothing to "
                f"train or convert. Run those flows of {self.model_round}."
            )

    def tags(self, label: str) -> dict[str, str]:
        """Return what every registered version and MLflow run of a label says of its round."""
        return {
            "round": self.name,
            "country": self.country,
            "label": label,
            "iteration": self.iteration,
            "method": str(self.method),
        }

    def registered_model(self, label: str) -> str:
        """`us.is_unemployed`."""
        return registered_model_name(self.model_country or self.country, label)
