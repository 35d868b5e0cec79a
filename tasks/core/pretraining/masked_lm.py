"""Masked-language-model training by the Hugging Face Trainer, resumable to the same weights."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.naming.file_names import HELDOUT_TOKENS_FILE, TOKENIZER_FOLDER, TRAINING_TOKENS_FILE
from tasks.core.base.naming.library_names import checkpoint_folder
from tasks.core.base.threads import cpu_threads
from tasks.core.pretraining.blocks import read_blocks
from tasks.core.pretraining.masking import NOT_MASKED, BlockSequence, MaskingCollator
from tasks.core.pretraining.own_tokenizer import adapt_embeddings
from tasks.core.pretraining.pretraining_plan import PretrainingPlan
from tasks.core.round.training_section import Pretraining
from tasks.core.training.base_models.base_folder import require_digest
from tasks.core.training.base_models.load_base import load_masked_lm, load_model, load_tokenizer, require_vectors
from tasks.core.training.trainer.schedule import PaceReport
from tasks.core.training.trainer.steps import Pace
from tasks.core.training.trainer.workspace import last_whole_checkpoint, mark_whole

WARMUP_SHARE = 0.06
EVALUATIONS = 20
"""There are at most so many evaluations, each with a checkpoint, evenly spaced."""
KEPT_CHECKPOINTS = 2
"""The Trainer deletes the oldest before the newest is marked, so that the one between must stay."""


@dataclass(frozen=True)
class Start:
    """The model that training goes on from."""

    model: Any
    tokenizer: Any
    head: Literal["kept", "new"]


@dataclass(frozen=True)
class Outcome:
    """What training gave, beside the checkpoint folder."""

    steps: int
    before: dict[str, float]
    after: dict[str, float]
    curve: list[dict[str, float]]


class _MarkWhole(TrainerCallback):
    """Marks each checkpoint once its files are on disk."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        mark_whole(Path(args.output_dir) / checkpoint_folder(state.global_step))


def load_start_tokenizer(plan: PretrainingPlan) -> Any:
    """Load the base model's tokenizer.

    Raises:
        ModelFolderError: it has no mask token, or engines could not do as it does.
    """
    tokenizer = load_tokenizer(Path(plan.base_model))
    if tokenizer.mask_token is None:
        raise ModelFolderError(
            f"the tokenizer of {plan.base_model} has no mask token, so the model cannot learn from masked texts; name "
            "a base model of the BERT family in pretraining.base_model"
        )
    return tokenizer


def require_start(plan: PretrainingPlan) -> None:
    """Raise ModelFolderError when the base model cannot be trained from, before its texts are packed for hours."""
    model = load_masked_lm(Path(plan.base_model)).model
    require_vectors(Path(plan.base_model), load_start_tokenizer(plan), model)


def load_start(plan: PretrainingPlan, packed: Path, scratch: Path) -> Start:
    """Load the base model, with the vectors of the tokenizer that packed the texts."""
    set_seed(plan.settings.seed)  # for a new head
    require_digest(plan.base_model, plan.base_model_digest)
    loaded = load_masked_lm(Path(plan.base_model))
    model = loaded.model
    tokenizer = AutoTokenizer.from_pretrained(packed / TOKENIZER_FOLDER, local_files_only=True, trust_remote_code=False)
    if plan.settings.vocabulary_size is not None:
        adapt_embeddings(model, load_start_tokenizer(plan), tokenizer)
        # Loaded again, so that every layer knows the new id of padding.
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        model = load_model(AutoModelForMaskedLM, scratch, whole=True).model
    return Start(model, tokenizer, "new" if loaded.new else "kept")


def train_masked_lm(
    plan: PretrainingPlan, start: Start, packed: Path, checkpoints: Path, folder: Path, pace: Pace | None = None
) -> Outcome:
    """Train from the last whole checkpoint, or from the start; leave the model and its tokenizer in `folder`.

    `pace` hears of every step.
    """
    torch.set_num_threads(cpu_threads())
    trainer = _make_trainer(plan.settings, start, packed, checkpoints)
    before = _measure(trainer)
    if pace is not None:
        trainer.add_callback(PaceReport(pace))
    resumed = last_whole_checkpoint(checkpoints)
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    history = list(trainer.state.log_history)
    after = _measure(trainer)
    start.model.save_pretrained(folder)
    start.tokenizer.save_pretrained(folder)
    steps = int(trainer.state.global_step)
    return Outcome(steps, before, after, _curve(before, history, steps, after))


def _make_trainer(settings: Pretraining, start: Start, packed: Path, checkpoints: Path) -> Trainer:
    length, special_ids = settings.block_length_tokens, start.tokenizer.all_special_ids
    training = read_blocks(packed / TRAINING_TOKENS_FILE, length)
    heldout = read_blocks(packed / HELDOUT_TOKENS_FILE, length)
    steps = math.ceil(len(training) * settings.epochs / settings.batch_size)
    return Trainer(
        model=start.model,
        args=_arguments(settings, checkpoints, math.ceil(steps / EVALUATIONS)),
        train_dataset=BlockSequence(training, special_ids, settings.seed, settings.epochs),
        eval_dataset=BlockSequence(heldout, special_ids, settings.seed),
        processing_class=start.tokenizer,
        data_collator=MaskingCollator(start.tokenizer, settings.masked_share, settings.seed),
        compute_metrics=_mean_loss,
        preprocess_logits_for_metrics=_summed_losses,
        callbacks=[_MarkWhole()],
    )


def _arguments(settings: Pretraining, folder: Path, interval: int) -> TrainingArguments:
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        seed=settings.seed,
        num_train_epochs=1,  # a BlockSequence holds all epochs
        train_sampling_strategy="sequential",
        remove_unused_columns=False,  # the collator needs the positions
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_steps=WARMUP_SHARE,
        eval_strategy="steps",
        eval_steps=interval,
        save_strategy="steps",
        save_steps=interval,
        save_total_limit=KEPT_CHECKPOINTS,
        logging_strategy="steps",
        logging_steps=interval,
        full_determinism=gpu,  # CPUs need nothing
        bf16=gpu and torch.cuda.is_bf16_supported(),
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=gpu,
    )


def _summed_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return each block's summed loss and number of masked tokens, so that logits need not be kept."""
    losses = torch.nn.functional.cross_entropy(
        logits.float().transpose(1, 2), labels, ignore_index=NOT_MASKED, reduction="none"
    )
    return torch.stack([losses.double().sum(dim=1), (labels != NOT_MASKED).sum(dim=1).double()], dim=1)


def _mean_loss(prediction: EvalPrediction) -> dict[str, float]:
    """Return the mean over all masked tokens; the Trainer's own is a mean of batches' means."""
    summed, masked = np.asarray(prediction.predictions).sum(axis=0)
    return {"masked_loss": float(summed / masked)}


def _measure(trainer: Trainer) -> dict[str, float]:
    return _figures(trainer.evaluate())


def _figures(entry: dict[str, float]) -> dict[str, float]:
    loss = entry["eval_masked_loss"]
    return {"loss": loss, "perplexity": math.exp(loss)}


def _curve(
    before: dict[str, float], history: list[dict[str, float]], steps: int, after: dict[str, float]
) -> list[dict[str, float]]:
    """Join the Trainer's evaluations and training losses, the first and the last evaluation included."""
    train_losses = {entry["step"]: entry["loss"] for entry in history if "loss" in entry}
    evaluated = {entry["step"]: _figures(entry) for entry in history if "eval_masked_loss" in entry}
    points = {0: before} | evaluated | {steps: after}
    return [
        {"step": step, **figures} | ({"train_loss": train_losses[step]} if step in train_losses else {})
        for step, figures in points.items()
    ]
