"""The conversion section of a round file: what is tried, on which texts, and what a variant must keep to serve."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from tasks.core.round.sections import Name, Seed, Settings

VariantName = Literal[
    "onnxruntime-dynamic-int8",
    "onnxruntime-static-int8",
    "openvino-bf16",
    "openvino-int8",
    "openvino-int8-distilled",
    "openvino-int8-mixed",
    "onnxruntime-cuda-fp16",
]
VARIANT_NAMES: tuple[VariantName, ...] = get_args(VariantName)
TRIED: tuple[VariantName, ...] = VARIANT_NAMES[2:]
APART_SHARE = 0.2
"""This share of the scored texts is set apart for making int8 variants."""
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Limits:
    """What a variant must keep of its checkpoint's ranking."""

    kendall_tau: float
    """Kendall's tau over all parity texts must be at least this."""
    kendall_tau_top: float
    """Kendall's tau over the checkpoint's 1,000 best parity texts must be at least this."""
    displacement: float
    """No scored text may change sides of the best 20, 100, 1,000 or 1 % that is farther from that edge than this, in
    the checkpoint's log-odds; nor may the log-odds be off by more, as a root mean square."""
    regret: float
    """The best 20, 100, 1,000 and 1 % of the variant may have a mean probability, by the checkpoint, that is lower by
    at most this than that of the checkpoint's own."""
    flips_beyond: float
    """At most this share of the scored texts may change sides of the label's threshold from farther than
    `displacement`."""
    probability_shift: float
    """The mean probability of the scored texts may rise or fall by at most this."""
    ap_loss: float
    """Average precision may fall by at most this, on the validation and on the test rows."""
    batch_variance: float
    """A logit may change by at most this when a text is scored alone or among others."""
    distinct_share: float
    """The 1,000 best texts must have at least this share of the checkpoint's distinct scores."""

    def weaker_than(self, other: "Limits") -> dict[str, float]:
        """Return the limits that let more through than those of `other`, by name."""
        theirs = vars(other)
        return {
            name: limit
            for name, limit in vars(self).items()
            if (limit > theirs[name] if name in AT_MOST else limit < theirs[name])
        }


AT_MOST = ("displacement", "regret", "flips_beyond", "probability_shift", "ap_loss", "batch_variance")
"""A variant may have at most these limits; of the others it must have at least as much."""
STRICT = Limits(0.99, 0.95, 0.10, 0.001, 0.0005, 0.002, 0.002, 1e-3, 0.99)
BALANCED = Limits(0.98, 0.94, 0.25, 0.003, 0.001, 0.005, 0.005, 1e-3, 0.99)
REPLACED = {
    "overlap_20": "displacement and regret",
    "overlap": "displacement and regret",
    "probability_change": "probability_shift and displacement",
    "flip_share": "flips_beyond",
}
"""Former limits, and what stands for each: they went by how many texts change sides, which near-ties decide."""


class Gate(Settings):
    """The limits: a preset, of which single ones may be set otherwise. `gate: balanced` is short for its preset."""

    preset: Literal["strict", "balanced", "custom"] = "strict"
    """Limits that are not set by themselves are this preset's, and those of `balanced` under `custom`. Only `custom`
    takes limits weaker than those of `balanced`; the engine model and its runs then say that the gate was weakened."""
    kendall_tau: Share | None = None
    """Kendall's tau over all parity texts must be at least this; null takes the preset's limit."""
    kendall_tau_top: Share | None = None
    """Kendall's tau over the checkpoint's 1,000 best parity texts must be at least this; null takes the preset's
    limit."""
    displacement: Positive | None = None
    """No scored text may change sides of the best 20, 100, 1,000 or 1 % that is farther from that edge than this, in
    the checkpoint's log-odds; nor may the log-odds be off by more, as a root mean square. null takes the preset's
    limit."""
    regret: Share | None = None
    """The best 20, 100, 1,000 and 1 % of the variant may have a mean probability, by the checkpoint, that is lower by
    at most this than that of the checkpoint's own; null takes the preset's limit."""
    flips_beyond: Share | None = None
    """At most this share of the scored texts may change sides of the label's threshold from farther than
    `displacement`; null takes the preset's limit."""
    probability_shift: Share | None = None
    """The mean probability of the scored texts may rise or fall by at most this; null takes the preset's limit."""
    ap_loss: Share | None = None
    """Average precision may fall by at most this, on the validation and on the test rows; null takes the preset's
    limit."""
    batch_variance: Positive | None = None
    """A logit may change by at most this when a text is scored alone or among others; null takes the preset's limit."""
    distinct_share: Share | None = None
    """The 1,000 best texts must have at least this share of the checkpoint's distinct scores; null takes the preset's
    limit."""

    @property
    def limits(self) -> Limits:
        """The preset's limits, with those that were set."""
        preset = vars(STRICT if self.preset == "strict" else BALANCED)
        own = self.model_dump(exclude={"preset"}, exclude_none=True)
        return Limits(**preset | own)

    @property
    def weakened(self) -> str:
        """The limits that are weaker than those of `balanced`, such as `ap_loss 1 (balanced: 0.005)`; or nothing."""
        weaker = self.limits.weaker_than(BALANCED)
        return ", ".join(f"{name} {value:g} (balanced: {getattr(BALANCED, name):g})" for name, value in weaker.items())

    @model_validator(mode="before")
    @classmethod
    def _no_old_limits(cls, limits: Any) -> Any:
        old = [name for name in REPLACED if isinstance(limits, dict) and name in limits]
        if old:
            raise ValueError(
                "; ".join(f"{name} is no limit any more: set {REPLACED[name]}" for name in old)
                + f". Presets allow {STRICT.displacement:g} and {BALANCED.displacement:g} log-odds of displacement: "
                "most rounds need no more than `gate: strict` or `gate: balanced`"
            )
        return limits

    @model_validator(mode="after")
    def _weak_by_intent(self) -> "Gate":
        if self.weakened and self.preset != "custom":
            raise ValueError(
                f"these limits are weaker than those of the preset balanced: {self.weakened}. If that is meant, set "
                "preset: custom; the engine model and its runs then say that the gate was weakened"
            )
        return self


class Conversion(Settings):
    """How engine models are made and compared with their checkpoints."""

    sample: Name = "evaluation"
    """Variants are compared with their checkpoint on texts of this one of the round's `samples`."""
    scored_texts: int = Field(default=20_000, ge=200)
    """So many texts are drawn from the sample and scored, so that the parity texts can hold the top of the ranking; a
    fifth of them is set apart for making int8 variants, and judges none."""
    parity_texts: int = Field(default=5_000, ge=200)
    """Every variant is compared with the checkpoint on at least so many of the scored texts."""
    draw_seed: Seed = 0
    """The drawing of texts and the teaching of int8 are fixed by this number."""
    variants: tuple[VariantName, ...] = TRIED
    """These variants are tried beside fp32, which always is; `[]` tries none. ONNX Runtime's int8 is left out unless it
    is named: scores of dynamic int8 depend on the texts beside; static int8 is slower than OpenVINO's, and ranks
    worse."""
    gate: Gate = Gate()
    """A variant serves only if it keeps these limits; `strict` or `balanced` alone names a preset."""
    calibration_texts: int = Field(default=300, ge=32)
    """Static int8 takes the ranges of its activations from so many of the texts set apart."""
    distillation_steps: int = Field(default=0, ge=0)
    """An int8 model that fails by little learns its checkpoint's logits for so many optimiser steps; 0 teaches none.
    Hundreds gain little over the rounding that it starts from; thousands pay where the engine serves for days."""
    least_speedup: float = Field(default=1.1, ge=1, allow_inf_nan=False)
    """A variant is judged, and int8 better than plain is made, only where it would be at least so many times as fast as
    the fastest variant that passes."""
    report: Literal["fastest", "full"] = "fastest"
    """The report has the variants from the fastest down to the first that passes; `full` judges every one."""
    ship_best_seed: bool = False
    """Another seed tied with the selected one is shipped when it is the best once converted."""

    @property
    def texts_apart(self) -> int:
        """How many of the scored texts int8 variants are made with, and none is judged by."""
        if not any("int8" in name for name in self.variants):
            return 0
        return max(self.calibration_texts, round(APART_SHARE * self.scored_texts))

    @field_validator("gate", mode="before")
    @classmethod
    def _preset_alone(cls, gate: Any) -> Any:
        return {"preset": gate} if isinstance(gate, str) else gate

    @model_validator(mode="after")
    def _enough_texts(self) -> "Conversion":
        if self.parity_texts + self.texts_apart > self.scored_texts:
            raise ValueError(
                f"scored_texts is {self.scored_texts}, but parity_texts ({self.parity_texts}) and the texts that int8 "
                f"is made with ({self.texts_apart}: a fifth, or calibration_texts) are taken from them, and none is "
                "used twice"
            )
        return self
