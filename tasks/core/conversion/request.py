"""What a conversion is given."""

from dataclasses import dataclass, field
from typing import Any

from tasks.core.base.errors import ModelFolderError
from tasks.core.round.conversion_section import Conversion


@dataclass(frozen=True)
class Rival:
    """Another seed of the same study."""

    seed: int
    checkpoint: str
    tied: bool
    """Whether it could as well have been selected."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Of each of the checkpoint's files, as training wrote them."""


@dataclass(frozen=True)
class ConversionRequest:
    """A checkpoint to convert, and what to compare on."""

    checkpoint: str
    """Its folder."""
    labels: tuple[str, ...]
    """Those of its labels that an engine model is wanted for."""
    texts_file: str
    """Texts drawn from the sample, as JSON."""
    splits_path: str
    """The labelled rows it was trained on, as training wrote them."""
    settings: Conversion
    bootstrap_resamples: int
    rivals: tuple[Rival, ...]
    """Other seeds of the study, the best first."""
    folder: str
    """Where the engine models go: a folder a label."""
    trained_validation_ap: float | None = None
    """The checkpoint's average precision on the validation split as training had it, over the labels on average."""
    compared_seeds: tuple[dict[str, Any], ...] = ()
    """Set once the seeds were compared as shipped, and this one was best: what the comparison gave."""

    def __post_init__(self) -> None:
        if not self.labels:
            raise ModelFolderError(f"no label of {self.checkpoint} was asked for")
