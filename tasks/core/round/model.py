"""The round file: one YAML file says everything about a round.

Read with `tasks.core.round.round_file.read_round`. Paths are absolute once read; in the file they may be relative to
its own folder.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.reserved_names import RESERVED_LABELS
from tasks.core.base.naming.round_names import (
    BASE_MODEL_NAME,
    METHOD_SUFFIXES,
    checkpoint_alias,
    engine_alias,
    registered_model_name,
    round_name,
    student_study,
)
from tasks.core.preprocessing import PREPROCESSINGS
from tasks.core.round.conversion_section import Conversion
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.evaluation_section import Evaluation
from tasks.core.round.inference_section import Inference
from tasks.core.round.labelling_section import Labelling
from tasks.core.round.publishing_section import Publishing
from tasks.core.round.retraining_section import Retraining
from tasks.core.round.sampling_section import Sampling
from tasks.core.round.sections import Clusters, Label, LabelledData, Name, Sample
from tasks.core.round.training_section import Pretraining, Training


class Round(BaseModel):
    """One turn of the active-learning loop: a country, an iteration and a method."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    format: int = Field(default=1, ge=1)
    """The file's own format rises when a key changes its meaning; a file of a newer format than this version of Winnow
    reads is refused."""
    country: Name
    """The country is the first part of the round's name and of its models' names, both in lower case: `US` gives
    `us-iter0` and `us.is_unemployed`."""
    model_country: Name | None = None
    """This country's models score the round's texts, when it is another; such a round trains and converts nothing."""
    iteration: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=60)
    """The turn of the loop is the second part of the round's name and the alias of its models: `iter0`, or a free name
    such as `iter25_pedro`; latest, champion, challenger, iter, v1, v2 and so on are kept by the registry."""
    method: int = Field(default=0, json_schema_extra={"enum": [*sorted(METHOD_SUFFIXES)]})
    """The way in which the round's labels were chosen: 0 is exploit-explore, 1 adaptive, 2 uncertainty-calibrated,
    3 uncertainty, 4 stratified. All but 0 are the last part of the round's name (`us-iter0-adaptive`)."""
    labels: dict[Label, str | None] = Field(min_length=1)
    """Each label has its column in the labelled data, or its value in `labelled_data.label_column`; null leaves the
    label out of this round."""
    labelled_data: LabelledData
    """The human labels are found, read and split as this section says."""
    preprocessing: str = Field(default="none", json_schema_extra={"enum": [*sorted(PREPROCESSINGS)]})
    """Every text is changed in this way before the tokenizer, in training and in inference alike."""
    base_model: str
    """Training starts from this checkpoint: a folder, a hub id, best with its commit (`org/model@commit`), or a
    registered base model (`models:/us.base@iter0`)."""
    training: Training
    """Seeds are trained, compared and selected as this section says."""
    pretraining: Pretraining | None = None
    """A base model is trained on the country's unlabelled texts as this section says; null trains none."""
    conversion: Conversion = Conversion()
    """Engine models are made and judged as this section says."""
    distillation: Distillation | None = None
    """A small student learns the experts' mean probability as this section says; null teaches none."""
    samples: dict[Name, Sample] = Field(min_length=1)
    """Each corpus that may be scored has a name here: `evaluation`, which flows take unless told otherwise,
    `new_samples`, or another."""
    inference: Inference
    """Samples are scored as this section says."""
    sampling: Sampling = Sampling()
    """The next labelling batch is drawn as this section says."""
    evaluation: Evaluation = Evaluation()
    """Rankings are judged by labels of the pool, and become champions, as this section says."""
    publishing: Publishing | None = None
    """Scores are published to Redis as this section says; null publishes none."""
    labelling: Labelling = Labelling()
    """Labellers are told, and their answers decided, as this section says."""
    approve: bool = False
    """A person must approve, with a reason, that a version becomes champion: the round's run is suspended until then,
    and resumed in Prefect's UI."""
    retraining: Retraining | None = None
    """The next round starts by itself when labels arrive, as this section says; null leaves it to people."""
    work_path: Path
    """Splits, seeds, converted samples and copies of registered models are kept in this folder, which all workers must
    see."""
    clusters: Clusters = Clusters()
    """Each flow's work is done by the workers of the cluster profile named here."""

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
        if len(set(columns)) < len(columns) and self.labelled_data.layout != "per_label_files":
            raise ValueError(f"each label needs a column of its own, but they are {columns}")
        if len({name.casefold() for name in self.samples}) < len(self.samples):
            raise ValueError(
                f"samples has names that differ in case alone, which some disks take for one: {sorted(self.samples)}"
            )
        if self.retraining is not None and not self.iteration[-1].isdigit():
            raise ValueError(f"retraining counts iterations on, so '{self.iteration}' must end with a number")
        self._check_samples()
        self._check_labels()
        return self

    def _check_samples(self) -> None:
        named = {
            f"{section}.sample": getattr(getattr(self, section), "sample", None)
            for section in ("conversion", "pretraining", "distillation", "sampling")
        }
        published = self.publishing.samples if self.publishing is not None else None
        named |= {f"publishing.samples[{place}]": sample for place, sample in enumerate(published or ())}
        for key, sample in named.items():
            if sample is not None and sample not in self.samples:
                raise ValueError(f"{key} is '{sample}', but samples has {sorted(self.samples)}")

    def _check_labels(self) -> None:
        for key in ("instructions", "examples"):
            unknown = sorted(getattr(self.labelling, key).keys() - self.labels.keys())
            if unknown:
                raise ValueError(f"labelling.{key} names {unknown}, but the round has the labels {sorted(self.labels)}")
        for reserved in sorted(RESERVED_LABELS & self.labels.keys()):
            raise ValueError(
                f"no label may be called '{reserved}': Winnow gives that name to something else, as it does "
                f"{', '.join(sorted(RESERVED_LABELS - {reserved}))}. Call it '{reserved}_label', with the same column."
            )
        if self.training.head == "multi_class" and (
            len(self.active_labels) < 2 or self.labelled_data.label_column is None
        ):
            raise ValueError("training.head multi_class needs two labels or more, and labelled_data.label_column")

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

    @property
    def studies(self) -> dict[str, dict[str, str]]:
        """What is trained: a study's name to its labels and their columns; one model for all labels is one study."""
        if self.training.head == "binary":
            return {label: {label: column} for label, column in self.active_labels.items()}
        return {self.training.head: self.active_labels}

    @property
    def base_model_registration(self) -> str:
        """`us.base`."""
        return registered_model_name(self.country, BASE_MODEL_NAME)

    def tags(self, label: str) -> dict[str, str]:
        """Return what every registered version and MLflow run of a label says of its round."""
        return {
            "round": self.name,
            "label": label,
        }

    def registered_model(self, label: str) -> str:
        """`us.is_unemployed`."""
        return registered_model_name(self.model_country or self.country, label)

    def student_model(self, study: str) -> str:
        """The checkpoint of a student is `us.student`, or `us.student.is_unemployed` where each label has its own."""
        return registered_model_name(self.model_country or self.country, study.replace("-", "."))

    def student_engine(self, label: str) -> str:
        """`us.student.is_unemployed`: a student's engine models are a label each, as all are."""
        return self.student_model(student_study(label))
