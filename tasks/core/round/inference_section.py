"""The inference section of a round file: shards, batches, and screening, by which cheap stages rule texts out."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tasks.core.round.sections import Settings

WHY_NOT = {
    "top_share": "a top that is nothing, or all, leaves nothing to screen for",
    "recall": "no draw can show that nothing at all is missed",
    "confidence": "no draw is certain to be like its pool",
}


class Screening(Settings):
    """What a screening must keep, and how sure that must be; the sizes of the draws follow from it."""

    top_share: float = 0.005
    """This share of the sample, by each expert's score, is its top, which is screened for."""
    recall: float = 0.99
    """At least this share of a label's top must reach its expert."""
    confidence: float = 0.95
    """The recall is kept with this probability, over the draw on which it is measured."""
    all_labels_at_once: bool = False
    """The confidence is that all labels keep their recall at once (Bonferroni), or, where this is false, each label's
    own."""
    fit_texts: int | None = Field(default=None, ge=1)
    """The first stage is fitted on about so many texts that the experts score; null takes what the promise asks for."""
    choose_texts: int | None = Field(default=None, ge=1)
    """The path through the stages is chosen on about so many; null takes a quarter of the calibration draw."""
    calibrate_texts: int | None = Field(default=None, ge=1)
    """The bound is read from about so many; null takes what the promise and the sample's size ask for."""
    audit_texts: int | None = Field(default=None, ge=1)
    """About so many of the texts that are screened out are scored after all, to see what was missed."""
    student: bool = False
    """The round's student, which distillation has left and conversion has made an engine model of, looks at what passes
    the first stage, and the experts at what passes both."""
    on_broken_promise: Literal["mark", "score_all"] = "mark"
    """Where the audit finds a promise broken, `mark` says so in manifest and status, and `score_all` scores the sample
    in full besides, as a run of its own."""

    @field_validator("top_share", "recall", "confidence")
    @classmethod
    def _require_share(cls, value: float, info: ValidationInfo) -> float:
        if not 0 < value < 1:
            why = WHY_NOT[str(info.field_name)]
            raise ValueError(f"it must lie between 0 and 1, without both: {why}. To score every text, leave it all out")
        return value


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
    instead of the run being refused; of a screened label one of the two must score all."""
    screening: Screening | None = None
    """Cheap stages rule most texts out, so that the experts score few, with a bound on what is missed; null has the
    experts score every text."""
