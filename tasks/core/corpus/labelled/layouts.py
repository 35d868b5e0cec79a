"""Which files hold a study's labelled rows: one file, a file a split, or a file a label and split."""

from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.faults import cannot_read
from tasks.core.corpus.labelled.role_columns import is_known
from tasks.core.corpus.labelled.splits import SPLIT_NAMES, SPLITS
from tasks.core.round.sections import LabelledData


@dataclass(frozen=True)
class Source:
    """One file of labelled rows."""

    path: Path
    split: str | None = None
    """All rows of the file belong to this split; None where a column says it, or nothing does."""
    label: str | None = None
    """The file holds the column of this one label; None where it holds those of all of the study's."""

    @property
    def stem(self) -> str:
        """The file's name without its suffixes: rows without ids are named after it."""
        return stem_of(self.path)


def stem_of(path: Path) -> str:
    """Return `train` for `train.csv.gz`."""
    return path.name.split(".")[0]


def find_sources(data: LabelledData, labels: list[str]) -> list[Source]:
    """List the files of a study, always in the same order.

    Raises:
        UnreadableFileError: a file or folder that this machine or user cannot read.
        InputDataError: no such file or folder, no train file, or two files for one split.
    """
    try:
        return _find_sources(data, labels)
    except OSError as error:
        raise cannot_read(data.path, error) from None


def _find_sources(data: LabelledData, labels: list[str]) -> list[Source]:
    _check_path(data)
    if data.layout == "file":
        return [Source(data.path)]
    if data.layout == "split_files":
        return _files_by_split(data.path, None)
    if data.id_column is None and len(labels) > 1:
        raise InputDataError(
            f"the labels {labels} are in files of their own below {data.path} and are joined on their ids, but "
            "labelled_data.id_column is null. Name the id column, or set training.head to binary."
        )
    return [source for label in labels for source in _files_by_split(data.path, label)]


def _check_path(data: LabelledData) -> None:
    if not data.path.exists():
        raise InputDataError(f"there is no labelled data at {data.path}; correct labelled_data.path in the round file")
    if data.path.is_dir() == (data.layout == "file"):
        found, wanted = ("folder", "file") if data.path.is_dir() else ("file", "folder")
        raise InputDataError(
            f"labelled_data.layout is '{data.layout}', which reads a {wanted}, but {data.path} is a {found}. Allowed "
            "layouts are file, split_files and per_label_files."
        )


def _files_by_split(folder: Path, label: str | None) -> list[Source]:
    tail = f"_{label}" if label is not None else ""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        split = _split_of(path, tail)
        if split in found:
            raise InputDataError(
                f"{folder} has two files for the {split} split: {found[split].name} and {path.name}. Move one away."
            )
        if split is not None:
            found[split] = path
    if "train" not in found:
        present = sorted(path.name for path in folder.iterdir())[:10]
        raise InputDataError(
            f"{folder} has no train{tail} file with a suffix such as .csv, .tsv, .txt or .parquet; it holds {present}. "
            "The other splits can be drawn from the train rows, but not the other way round."
        )
    return [Source(found[split], split, label) for split in SPLITS if split in found]


def _split_of(path: Path, tail: str) -> str | None:
    stem = stem_of(path).lower()
    if not path.is_file() or not is_known(path) or not stem.endswith(tail):
        return None
    return SPLIT_NAMES.get(stem.removesuffix(tail))
