"""What a conversion is given."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.folders_aside import sweep
from tasks.core.base.naming.file_names import BEGAN_FILE
from tasks.core.round.conversion_section import Conversion


@dataclass(frozen=True)
class Rival:
    """Another seed of the same study."""

    seed: int
    checkpoint: str
    tied: bool
    """The seed could as well have been selected as the one that was."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Each of the checkpoint's files, by name, has this checksum as training wrote it."""


@dataclass(frozen=True)
class ConversionRequest:
    """A checkpoint to convert, and what to compare on."""

    checkpoint: str
    """The checkpoint lies in this folder."""
    labels: tuple[str, ...]
    """An engine model is wanted for these of the checkpoint's labels."""
    texts_file: str
    """The texts drawn from the sample lie here, as JSON."""
    splits_path: str
    """The labelled rows that the checkpoint was trained on lie here, as training wrote them."""
    settings: Conversion
    bootstrap_resamples: int
    rivals: tuple[Rival, ...]
    """The other seeds of the study are listed here, the best first."""
    folder: str
    """The engine models go into this folder, each into a folder of its label."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Each of the checkpoint's files, by name, had this checksum when the conversion was planned."""
    trained_validation_ap: float | None = None
    """In training the checkpoint had this average precision on the validation split, over the labels on average."""
    kept_logits: str | None = None
    """Logits of fp32 graphs are kept in this folder, for the next conversion; None keeps none."""
    compared_seeds: tuple[dict[str, Any], ...] = ()
    """What the comparison of seeds as shipped gave is set here once it found this seed the best."""

    def __post_init__(self) -> None:
        if not self.labels:
            raise ModelFolderError(f"no label of {self.checkpoint} was asked for")


def sweep_conversion(folder: Path) -> None:
    """Remove what killed conversions left half-made in the folder of one, and beside it."""
    sweep(folder.parent)
    sweep(folder)


def mark_began(folder: Path) -> None:
    """Leave word of when a conversion begins in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BEGAN_FILE).touch()


def began_milliseconds(engine: Path) -> int | None:
    """Return when the conversion began that made an engine model, since the epoch; None where no word of it was left.

    Word that is younger than the engine model is of a later try, which made none.
    """
    path = engine.parent / BEGAN_FILE
    began = int(path.stat().st_mtime * 1000) if path.is_file() else None
    return None if began is None or began > ended_milliseconds(engine) else began


def ended_milliseconds(engine: Path) -> int:
    """Return when an engine model's folder was whole, since the epoch."""
    return int(max(path.stat().st_mtime for path in engine.rglob("*") if path.is_file()) * 1000)
