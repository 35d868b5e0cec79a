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
    """A section of a round file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelledData(Settings):
    """Where the human labels are, and in which of the known layouts.

    `file`             one Parquet, CSV or TSV file
    `split_files`      a folder with train, dev (or val, valid, validation) and test, each .txt, .tsv, .csv or .parquet
    `per_label_files`  a folder with train_<label>.csv, val_<label>.csv and perhaps test_<label>.csv
    """

    path: Path
    layout: Literal["file", "split_files", "per_label_files"] = "file"
    id_column: str | None = "tweet_id"
    """null: the rows have no ids; they are numbered within their file."""
    text_column: str = "text"
    label_column: str | None = None
    """One column with every row's class, or list of classes; `labels` then maps labels to its values."""
    label_names: tuple[str, ...] | None = None
    """Names of the numbers in `label_column`, or of the places in its lists."""
    targets: Literal["hard", "soft"] = "hard"
    """hard: 1, 0 or blank. soft: shares of annotators, 0 to 1."""
    votes: int | None = Field(default=None, ge=1)
    """With soft targets: the labels are numbers of votes out of so many."""
    where: dict[str, str] = {}
    """Use only rows with these values, column by column."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Of text files; null: a comma for .csv, a tab for .tsv and .txt."""
    quoting: bool | None = None
    """Whether fields of text files may stand in double quotes; null: yes for .csv, no for .tsv and .txt."""
    split_column: str | None = None
    """Column that says train, validation (val, valid, dev) or test (holdout); blank rows are left out. Without it, rows
    are split by share; a split that has no rows is drawn from the train rows."""
    validation_share: float = Field(default=0.15, gt=0, lt=0.5)
    test_share: float = Field(default=0.25, gt=0, lt=0.5)
    split_seed: Seed = 0

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
    batch_sizes: tuple[BatchSize, ...] = Field(default=(8, 16, 32), min_length=1)
    learning_rates: tuple[LearningRate, ...] = Field(default=DOCUMENT_LEARNING_RATES, min_length=1)
    seed: Seed = 1
    """Every trial's."""
    reduction_factor: int = Field(default=3, ge=2)
    """halving: one trial in so many goes on to the next rung, which is so many times as long."""
    rungs: int = Field(default=3, ge=2)
    """halving: the last rung is the whole training."""

    @field_validator("batch_sizes", "learning_rates")
    @classmethod
    def _distinct(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"each value may stand once, but they are {list(values)}")
        return values


class Training(Settings):
    """How every seed is trained, and which seed wins."""

    head: Head = "binary"
    """binary: a model a label. multi_label: one for all, labels independent. multi_class: one, exactly one is true."""
    seeds: tuple[Seed, ...] = Field(min_length=1)
    minimum_seeds: int | None = Field(default=None, ge=1)
    """How many seeds must finish; null: all. Those that failed are named in the selection."""
    epochs: int = Field(default=3, ge=1)
    evaluations_per_epoch: int = Field(default=1, ge=1)
    """How often an epoch is validated and its checkpoint kept, evenly spaced."""
    patience_evaluations: int | None = Field(default=None, ge=1)
    """Stop early after so many evaluations without a better `metric`; null: never."""
    batch_size: BatchSize = 16
    learning_rate: LearningRate = 5e-5
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    max_length_tokens: int = Field(default=128, ge=8, le=512)
    freeze_embeddings: bool = False
    metric: MetricName = "average_precision"
    """On the validation split: stops early, chooses the checkpoint, the trial and the seed."""
    bootstrap_resamples: int = Field(default=1_000, ge=100)
    search: Search = Search()

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
    """The checkpoint to continue from: a folder, a hub id, or a registered base model (`models:/us.base@iter0`)."""
    sample: Name = "evaluation"
    limit_texts: int | None = Field(default=None, ge=100)
    """Draw so many texts of the sample; null: all of them."""
    heldout_texts: int = Field(default=1_000, ge=20)
    """Texts kept out of training, to measure perplexity on."""
    epochs: int = Field(default=1, ge=1)
    batch_size: BatchSize = 16
    learning_rate: LearningRate = 5e-5
    block_length_tokens: int = Field(default=128, ge=16, le=512)
    """Texts are packed into blocks of so many tokens, so that nothing is padding."""
    masked_share: float = Field(default=0.15, gt=0, lt=1)
    vocabulary_size: int | None = Field(default=None, ge=300)
    """Train a tokenizer of so many tokens on the sample; null: keep the checkpoint's."""
    seed: Seed = 1


class Sample(Settings):
    """An unlabelled corpus to score: Parquet, CSV or JSON Lines files, all of one kind."""

    path: Path
    """A file, a folder, or a glob (`tweets/2020-*/part-*.parquet`). Text may end in .gz, .bz2, .lz4 or .zst."""
    id_column: str = "tweet_id"
    text_column: str = "text"
    converted_path: Path | None = None
    """Where CSV and JSON Lines are kept as Parquet, seen by all workers; null: `_converted` in the sample's folder."""
    on_torn_file: Literal["refuse", "skip"] = "refuse"
    """skip: leave out Parquet and compressed files that are not whole."""

    @field_validator("converted_path")
    @classmethod
    def _same_everywhere(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("it must be absolute, because workers run in other folders")
        return path


class Inference(Settings):
    """How a sample is cut into shards, and shards into batches; both may change the last digits of scores."""

    output_path: Path
    shard_rows: int = Field(default=50_000, ge=1)
    batch_tokens: int = Field(default=2_048, ge=512)
    """Tokens in a batch at most; its texts are of one length, so none is padding."""
    fall_back_to_fp32: bool = False
    """Where a worker's CPU or libraries give an engine model other logits than it was made with, score with its fp32
    graph instead of refusing."""


class Clusters(Settings):
    """The cluster profile of each flow: a name in infra/clusters, a YAML file, or a scheduler's address."""

    training: str = "local"
    conversion: str = "local"
    inference: str = "local"
    pretraining: str = "local"
