"""The sections of a round file: data, training, search, pretraining, sample, inference, clusters."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=60)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
LearningRate = Annotated[float, Field(gt=0, lt=1)]
BatchSize = Annotated[int, Field(ge=1)]
Head = Literal["binary", "multi_label", "multi_class"]
MetricName = Literal["average_precision", "roc_auc", "f1", "precision_at_20", "precision_at_50", "log_loss", "brier"]

DOCUMENT_LEARNING_RATES = (1e-3, 1e-4, 1e-5, 1e-6, 3e-3, 3e-4, 3e-5, 3e-6, 5e-3, 5e-4, 5e-5, 5e-6)


class Settings(BaseModel):
    """A section of a round file: unknown keys are refused, and what stands below a key describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LabelledData(Settings):
    """Where the human labels are, and in which of the known layouts."""

    path: Path
    """The human labels lie here: a file in the layout `file`, a folder in the others."""
    layout: Literal["file", "split_files", "per_label_files"] = "file"
    """`file` is one Parquet, CSV or TSV file. `split_files` is a folder with train, dev (or val, valid, validation) and
    test, each .txt, .tsv, .csv or .parquet. `per_label_files` is a folder with `train_<label>.csv`, `val_<label>.csv`
    and perhaps `test_<label>.csv`."""
    id_column: str | None = "tweet_id"
    """This column holds the rows' ids, strings or integers; null says that there are none, and rows are then numbered
    within their file."""
    text_column: str = "text"
    """This column holds the texts that models read."""
    label_column: str | None = None
    """One column holds every row's class, or a list of classes, and the round's `labels` map labels to its values; null
    says that each label has a column of its own."""
    label_names: tuple[str, ...] | None = None
    """These are the names of the numbers in `label_column`, from 0 on, or of the places in its lists."""
    targets: Literal["hard", "soft"] = "hard"
    """`hard` targets are 1, 0 or blank; `soft` ones are shares of annotators from 0 to 1."""
    votes: int | None = Field(default=None, ge=1)
    """The labels are numbers of votes out of so many, and become shares; this needs soft targets."""
    where: dict[str, str] = {}
    """Only rows with these values are used, column by column, such as `{lang: es}` in a file of several countries."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """This character parts the fields of text files; null takes a comma for .csv, and a tab for .tsv and .txt."""
    quoting: bool | None = None
    """Fields of text files may stand in double quotes; null means yes for .csv, and no for .tsv and .txt."""
    split_column: str | None = None
    """This column of a single file says train, validation (val, valid, dev) or test (holdout), and rows where it is
    blank are left out. Without it, and where a split has no rows, splits are drawn from the train rows."""
    validation_share: float = Field(default=0.15, gt=0, lt=0.5)
    """So large a share of the texts becomes the validation split where that has to be drawn."""
    test_share: float = Field(default=0.25, gt=0, lt=0.5)
    """So large a share of the texts becomes the test split where that has to be drawn."""
    split_seed: Seed = 0
    """The drawing of splits is fixed by this number: the same number and rows give the same splits."""

    @model_validator(mode="after")
    def _consistent(self) -> "LabelledData":
        if self.delimiter is not None and (not self.delimiter.isascii() or self.delimiter in '"\r\n'):
            raise ValueError(
                f"delimiter is {self.delimiter!r}, but must be an ASCII character, no quote, no line break"
            )
        if self.label_names is not None and len(set(self.label_names)) < len(self.label_names):
            raise ValueError(f"each of label_names may stand once, but they are {list(self.label_names)}")
        if self.votes is not None and self.targets != "soft":
            raise ValueError("votes makes shares of annotators, so targets must be soft")
        if self.label_names is not None and self.label_column is None:
            raise ValueError("label_names names the values of label_column, which is not set")
        if self.split_column is not None and self.layout != "file":
            raise ValueError(f"split_column belongs to the layout 'file'; in '{self.layout}' the files are the splits")
        if self.label_column is not None and self.layout == "per_label_files":
            raise ValueError("in the layout 'per_label_files' each label has files and a column of its own")
        return self


class Search(Settings):
    """The hyper-parameter search before the seeds: the full grid, or one pruned by successive halving."""

    strategy: Literal["none", "grid", "halving"] = "none"
    """`grid` trains every pair of batch size and learning rate to the end; `halving` trains all of them a little and
    goes on with the best; `none` does not search."""
    batch_sizes: tuple[BatchSize, ...] = Field(default=(8, 16, 32), min_length=1)
    """The search tries each of these batch sizes, each once."""
    learning_rates: tuple[LearningRate, ...] = Field(default=DOCUMENT_LEARNING_RATES, min_length=1)
    """The search tries each of these learning rates with each batch size."""
    seed: Seed = 1
    """Every trial of the search is trained with this seed, so that trials differ in their settings alone."""
    reduction_factor: int = Field(default=3, ge=2)
    """With `halving`, one trial in so many goes on to the next rung, which is so many times as long."""
    rungs: int = Field(default=3, ge=2)
    """With `halving`, trials are judged so many times, and the last rung is the whole training."""

    @field_validator("batch_sizes", "learning_rates")
    @classmethod
    def _distinct(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"each value may stand once, but they are {list(values)}")
        return values


class Training(Settings):
    """How every seed is trained, and which seed wins."""

    head: Head = "binary"
    """`binary` trains a model for each label; `multi_label` one for all, each label true or not by itself;
    `multi_class` one for all, of which exactly one is true."""
    seeds: tuple[Seed, ...] = Field(min_length=1)
    """A model is trained with each of these seeds, and the best one is kept; a seed fixes initialisation, order and
    dropout."""
    minimum_seeds: int | None = Field(default=None, ge=1)
    """So many seeds must finish, and null means all; those that failed are named in the selection."""
    epochs: int = Field(default=3, ge=1)
    """Training goes through the train rows so many times."""
    evaluations_per_epoch: int = Field(default=1, ge=1)
    """Each epoch is validated, and its checkpoint kept, so many times, evenly spaced."""
    patience_evaluations: int | None = Field(default=None, ge=1)
    """Training stops early after so many evaluations without a better `metric`; null never stops it."""
    batch_size: BatchSize = 16
    """Each optimiser step sees so many texts."""
    learning_rate: LearningRate = 5e-5
    """The optimiser's step size rises to this value during warm-up and falls to 0 at the end."""
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    """The learning rate rises during this share of the optimiser steps."""
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    """Weights are drawn towards 0 with this strength; 0 leaves them."""
    max_length_tokens: int = Field(default=128, ge=8, le=512)
    """Models read so many tokens of a text, in training and in inference, and nothing after them."""
    freeze_embeddings: bool = False
    """The word vectors stay as the base model has them, which suits a few hundred labelled texts and saves time."""
    metric: MetricName = "average_precision"
    """This figure on the validation split stops training early, and chooses the checkpoint, the trial and the seed."""
    bootstrap_resamples: int = Field(default=1_000, ge=100)
    """Intervals of figures, and ties between seeds, are found with so many resamples of the rows."""
    search: Search = Search()
    """Batch size and learning rate can be searched for before the seeds are trained."""

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError(f"each seed may stand once, but they are {list(seeds)}")
        return seeds

    @model_validator(mode="after")
    def _reachable(self) -> "Training":
        if self.minimum_seeds is not None and self.minimum_seeds > len(self.seeds):
            raise ValueError(f"minimum_seeds is {self.minimum_seeds}, but there are {len(self.seeds)} seeds")
        return self


class Pretraining(Settings):
    """Masked-language-model training of a checkpoint on a sample's texts, before any labels."""

    base_model: str
    """Pretraining goes on from this checkpoint: a folder, a hub id, or a registered base model
    (`models:/us.base@iter0`)."""
    sample: Name = "evaluation"
    """The texts of this one of the round's `samples` are trained on."""
    limit_texts: int | None = Field(default=None, ge=100)
    """So many texts are drawn from the sample; null takes all of them."""
    heldout_texts: int = Field(default=1_000, ge=20)
    """So many distinct texts are kept out of training, and perplexity is measured on them before and after."""
    epochs: int = Field(default=1, ge=1)
    """Training goes through the texts so many times."""
    batch_size: BatchSize = 16
    """Each optimiser step sees so many blocks of tokens."""
    learning_rate: LearningRate = 5e-5
    """The optimiser's step size rises to this value at first and falls to 0 at the end."""
    block_length_tokens: int = Field(default=128, ge=16, le=512)
    """Texts are packed into blocks of so many tokens, so that nothing is padding."""
    masked_share: float = Field(default=0.15, gt=0, lt=1)
    """This share of the tokens is masked, and the model learns to say what they were."""
    vocabulary_size: int | None = Field(default=None, ge=300)
    """A tokenizer of so many tokens is trained on the sample; null keeps the checkpoint's."""
    seed: Seed = 1
    """The held-out texts, the order of blocks and the masks are fixed by this number."""


class Sample(Settings):
    """An unlabelled corpus to score: Parquet, CSV or JSON Lines files, all of one kind."""

    path: Path
    """The texts lie here: a file, a folder, or a glob (`tweets/2020-*/part-*.parquet`). CSV and JSON Lines may end in
    .gz, .bz2, .lz4 or .zst."""
    id_column: str = "tweet_id"
    """This column holds the rows' ids, strings or integers; they come out beside the scores as they are."""
    text_column: str = "text"
    """This column holds the texts that are scored."""
    converted_path: Path | None = None
    """CSV and JSON Lines are kept as Parquet in this folder, which all workers must see. Left out, it is
    `converted` below the round's `work_path`; null takes `_converted` in the sample's own folder."""
    on_torn_file: Literal["refuse", "skip"] = "refuse"
    """`refuse` stops at a Parquet or compressed file that is not whole; `skip` leaves it out and names it."""

    @field_validator("converted_path")
    @classmethod
    def _same_everywhere(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("it must be absolute, because workers run in other folders")
        return path


class Inference(Settings):
    """How a sample is cut into shards, and shards into batches; both may change the last digits of scores."""

    output_path: Path
    """Run folders are made in this folder, which all workers must see."""
    shard_rows: int = Field(default=50_000, ge=1)
    """A shard, the unit of work and of resuming, has at most so many rows."""
    batch_tokens: int = Field(default=2_048, ge=512)
    """A batch has at most so many tokens; its texts are of one length, so that none is padding."""
    fall_back_to_fp32: bool = False
    """Where a worker's CPU or libraries give an engine model other logits than it was made with, its fp32 graph scores
    instead of the run being refused."""


class Clusters(Settings):
    """The cluster profile of each flow: a name in infra/clusters, a YAML file, or a scheduler's address."""

    training: str = "local"
    """Seeds and trials of a search are trained by the workers of this profile."""
    conversion: str = "local"
    """Engine models are made and compared by the workers of this profile."""
    inference: str = "local"
    """Shards are scored by the workers of this profile."""
    pretraining: str = "local"
    """The base model is trained by one worker of this profile."""
