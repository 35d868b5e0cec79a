"""The distillation section of a round file: which experts teach, on which texts, and what the student is."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.core.round.sections import Label, Name, Seed, Seeds, Settings

Layer = Annotated[int, Field(ge=0)]


class ExpertRun(Settings):
    """A finished run folder whose scores teach: one expert for each label that it scored."""

    run: Path
    """The run folder lies here; the inference flow made it, of this round or of another."""
    labels: dict[Label, Label] = Field(default={})
    """The run calls these labels of the round otherwise: the round's name for one is on the left, the run's name on the
    right. A label that is not named here is called the same by both."""


class Student(Settings):
    """The model that learns from the experts."""

    base_model: str | None = None
    """The student starts from this checkpoint: a folder, a hub id, or a registered base model
    (`models:/us.base@iter0`); null takes the round's `base_model`."""
    start: Literal["base_model", "expert", "configuration"] = "base_model"
    """`base_model` starts from that checkpoint; `expert` from the checkpoint that the round selected for the label, or
    for the first label where one student scores all; `configuration` from random weights."""
    layers: tuple[Layer, ...] | None = Field(default=None, min_length=1)
    """The student keeps these of the layers that it starts from, counted from 0 and in this order; null keeps all."""
    configuration: dict[str, int] = Field(default={})
    """With `start: configuration`, these keys of the base model's `config.json` are others, such as
    `{num_hidden_layers: 2, hidden_size: 128, num_attention_heads: 2, intermediate_size: 512}`."""

    @field_validator("layers")
    @classmethod
    def _rising(cls, layers: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if layers is not None and list(layers) != sorted(set(layers)):
            raise ValueError(f"layers must rise, each once, but they are {list(layers)}")
        return layers

    @model_validator(mode="after")
    def _one_way(self) -> "Student":
        if bool(self.configuration) != (self.start == "configuration"):
            raise ValueError(
                f"start is '{self.start}' and configuration is {self.configuration}: a configuration of one's own "
                "needs `start: configuration`, and that needs keys in it"
            )
        if self.start == "configuration" and self.layers is not None:
            raise ValueError("layers are chosen of weights that are there; with start: configuration set its own count")
        if self.start == "expert" and self.base_model is not None:
            raise ValueError("base_model stands for nothing with start: expert, which is the round's own checkpoint")
        return self


class Distillation(Settings):
    """A small student taught the mean probability of the experts on unlabelled texts."""

    sample: Name = "evaluation"
    """The student learns from texts of this one of the round's `samples`, which the experts have scored."""
    experts: dict[Name, ExpertRun] = Field(default={})
    """The runs that hold the experts' scores, each by a name of its own; where none is named, every seed of the round
    is converted and scores the sample first, in a run folder of its own."""
    one_student: bool = False
    """One student learns all of the round's labels, each a probability by itself; else each label has its own."""
    student: Student = Student()
    """The student is made as this section says."""
    texts: int = Field(default=100_000, ge=100)
    """The student learns from so many texts, each with the experts' mean probability as its target."""
    top_share: float = Field(default=0.05, gt=0, lt=1)
    """So large a share of the sample, the best by the experts, counts as their top."""
    from_top: float = Field(default=0.5, ge=0, le=1)
    """So large a share of the student's texts is drawn from the experts' top, and the rest from the whole sample."""
    heldout_texts: int = Field(default=60_000, ge=100)
    """So many other texts, drawn evenly from the sample, are kept from the student, and it is judged on them."""
    draw_seed: Seed = 0
    """The drawing of texts is fixed by this number."""
    seeds: Seeds = (1,)
    """A student is trained with each of these seeds; the one is kept by which the fewest texts must pass, as far
    as that is certified."""
    epochs: int = Field(default=1, ge=1)
    """Training goes through the student's texts so many times."""
    batch_size: int = Field(default=32, ge=1)
    """Each optimiser step sees so many texts."""
    learning_rate: float = Field(default=5e-5, gt=0, lt=1)
    """The optimiser's step size rises to this value during warm-up and falls to 0 at the end."""
    alpha: float = Field(default=0.0, ge=0, le=1)
    """Where a text has a hard target beside the experts' probability, the loss on the hard one weighs so much, and the
    other one the rest; 0 teaches the experts' probability alone."""
    hard_targets: Literal["labelled", "experts"] = "labelled"
    """With `alpha` above 0, `labelled` takes the human labels of the train rows as hard targets, and `experts` calls
    every text of the sample true whose mean probability reaches 0.5."""
    temperature: float = Field(default=1.0, gt=0, le=100)
    """The logits of student and experts are divided by this number before they are compared; above 1, small
    probabilities weigh more."""
    tops: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(default=(0.005, 0.01), min_length=1)
    """The student is judged as a screen for these shares of the sample, the best by the experts."""
    recall: float = Field(default=0.99, gt=0, lt=1)
    """As a screen it must keep so large a share of the experts' best."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """What is certified of the student as a screen holds with this confidence, of each label and top by itself and of
    whichever seed is kept."""

    @model_validator(mode="after")
    def _heldout_tops(self) -> "Distillation":
        if min(self.tops) * self.heldout_texts < 1:
            raise ValueError(
                f"tops has {min(self.tops):g}, of which {self.heldout_texts} held-out texts hold not one; raise "
                f"heldout_texts to {round(1 / min(self.tops))} or more, or name a larger top"
            )
        return self
