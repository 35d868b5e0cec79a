"""The sections of a round file that say how models are trained: training, search, pretraining."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.core.round.sections import Head, MetricName, Name, Seed, Seeds, Settings

LearningRate = Annotated[float, Field(gt=0, lt=1)]
BatchSize = Annotated[int, Field(ge=1)]

DOCUMENT_LEARNING_RATES = (1e-3, 1e-4, 1e-5, 1e-6, 3e-3, 3e-4, 3e-5, 3e-6, 5e-3, 5e-4, 5e-5, 5e-6)


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
    seeds: Seeds
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

    @model_validator(mode="after")
    def _reachable(self) -> "Training":
        if self.minimum_seeds is not None and self.minimum_seeds > len(self.seeds):
            raise ValueError(f"minimum_seeds is {self.minimum_seeds}, but seeds lists {len(self.seeds)}")
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
