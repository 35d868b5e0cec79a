"""What decides a run's scores, once: the run id is its fingerprint, the plan holds it, adoption compares it.

A field that is added here changes the run id, travels with the plan, and keeps shards from being taken over from runs
where it was another, unless it is marked as the run's own.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from tasks.core.base.files import fingerprint

SCORING_VERSION = 1
"""This number rises when Winnow's own code gives a text another score than before; tests/core/inference/test_golden.py
fails until it does."""
SCREENING_VERSION = 1
"""This number rises when Winnow's own code draws, fits or certifies otherwise than before."""
OF_THE_RUN = {"of_the_run": True}
"""This marks what tells runs apart, but not the scores of a shard of the same rows."""


@dataclass(frozen=True)
class EngineUse:
    """The engine model that scores a label."""

    label: str
    registered_model: str = field(metadata=OF_THE_RUN)
    version: str = field(metadata=OF_THE_RUN)
    digest: str
    folder: str = field(compare=False)
    """The engine model's copy lies here; it may be elsewhere at the next launch."""
    seal: str = field(metadata=OF_THE_RUN)
    """The engine model says all this of itself, canaries included; empty in plans of versions before 0.2.0."""
    gate_weakened: str = field(default="", compare=False)
    """The engine model passed a gate with these limits, weaker than those of any preset; mostly there are none."""


@dataclass(frozen=True)
class ScreeningInputs:
    """All that a screening follows from, beside the sample and the engine models."""

    top_share: float
    recall: float
    confidence: float
    all_labels_at_once: bool
    fit_texts: int | None
    choose_texts: int | None
    calibrate_texts: int | None
    audit_texts: int | None
    key: str
    """Draws are made under this key, which follows from the sample's files: other files are drawn and fitted anew."""
    students: tuple[EngineUse, ...] = ()
    """The student's engine model of each label looks at what passes the first stage; there may be none."""
    screening_version: int = SCREENING_VERSION
    """Winnow's own code screens in this version."""


@dataclass(frozen=True)
class ScoringInputs:
    """All that the scores of a run follow from."""

    engines: tuple[EngineUse, ...]
    id_column: str
    text_column: str
    preprocessing: str
    max_length_tokens: int
    batch_tokens: int
    fall_back_to_fp32: bool
    libraries: dict[str, str]
    """Scores depend on these libraries in these versions."""
    scoring_version: int
    """Winnow's own code scores in this version."""
    file_digests: dict[str, str] = field(metadata=OF_THE_RUN)
    """Each of the sample's files has its digest here, by name."""
    changed_ns: dict[str, int] = field(metadata=OF_THE_RUN)
    """Each of these files had this time of change (nanoseconds of the epoch); 0 stands for any time."""
    shard_rows: int = field(metadata=OF_THE_RUN)
    limit: int | None = field(metadata=OF_THE_RUN)
    screening: ScreeningInputs | None = None
    """Cheap stages rule texts out before the engines run; None has the engines score every text."""

    @property
    def run_id(self) -> str:
        """The fingerprint of all of it."""
        return fingerprint(_content(self, whole=True))

    def scores_like(self, other: "ScoringInputs") -> bool:
        """Say whether a shard of the same rows gets the same bytes of scores from both."""
        return bool(_content(self, whole=False) == _content(other, whole=False))


def _content(value: Any, whole: bool) -> Any:
    """Return a record as plain values, places left out and, unless it is to be whole, what is of the run alone."""
    if isinstance(value, tuple):
        return [_content(item, whole) for item in value]
    if not is_dataclass(value):
        return value
    kept = (item for item in fields(value) if item.compare and (whole or not item.metadata.get("of_the_run")))
    return {item.name: _content(getattr(value, item.name), whole) for item in kept}
