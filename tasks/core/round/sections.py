"""The sections of a round file that say what is read and where it is scored: data, sample, inference, clusters."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]*$", max_length=60)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"each seed may stand once, but they are {list(seeds)}")
    return seeds


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_distinct)]
Head = Literal["binary", "multi_label", "multi_class"]
MetricName = Literal["average_precision", "roc_auc", "f1", "precision_at_20", "precision_at_50", "log_loss", "brier"]


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
    added: tuple[Path, ...] = ()
    """These snapshots of labels, folders that `winnow next` makes of labellers' answers, join the train rows."""

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
    sampling: str = "local"
    """Each label's texts are drawn by a worker of this profile."""
    publishing: str = "local"
    """Scores are loaded into Redis by the workers of this profile, who must reach it."""
