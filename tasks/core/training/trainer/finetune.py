"""Fine-tune a sequence classifier with one seed, by the Hugging Face Trainer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from transformers import (
    DataCollatorWithPadding,
    DefaultFlowCallback,
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from transformers.utils import SAFE_WEIGHTS_NAME

from tasks.core.base.errors import TrainingError
from tasks.core.base.threads import cpu_threads
from tasks.core.corpus.labelled.hard_targets import with_hard_targets
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.metrics.figures import LOWER_IS_BETTER, all_figures, best_thresholds
from tasks.core.metrics.heads import class_names, loss_function, scores_of_labels
from tasks.core.training.base_models.base_folder import require_digest
from tasks.core.training.base_models.load_base import load_classifier, load_tokenizer
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.trainer.examples import EpochOrder, Examples
from tasks.core.training.trainer.mixed_loss import mixed_loss
from tasks.core.training.trainer.schedule import EvaluationReport, EvaluationSchedule, PaceReport
from tasks.core.training.trainer.steps import Pace, Report, evaluation_steps, evaluations_of, total_steps
from tasks.core.training.trainer.workspace import last_whole_checkpoint, require_whole

EVALUATION_BATCH = 64


@dataclass
class Finetuning:
    """A model while and after it is trained."""

    plan: SeedPlan
    trainer: "_Trainer"
    splits: dict[str, Examples]
    figures: dict[str, Any] = field(default_factory=dict)
    """The Trainer measured these figures of the training itself."""

    @property
    def state(self) -> Any:
        """Steps done, log and best figure, as the Trainer keeps them."""
        return self.trainer.state

    def logits(self, split: str) -> NDArray[np.floating]:
        """Return the kept checkpoint's logits of a split; those of validation are known if it was evaluated here."""
        kept = Path(str(self.state.best_model_checkpoint)).name
        if split == "validation" and kept in self.trainer.evaluated:
            return self.trainer.evaluated[kept]
        return np.asarray(self.trainer.predict(self.splits[split]).predictions)


class _Trainer(Trainer):
    """The Trainer with batches that follow from seed and epoch, and evaluations that leave no trace in training."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.evaluated: dict[str, NDArray[np.floating]] = {}
        """Logits on the validation rows, by the name of the checkpoint that was evaluated."""

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        examples: Any = train_dataset if train_dataset is not None else self.train_dataset
        return EpochOrder(examples, self.args.train_batch_size, self.args.seed)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        # Opening a data loader draws from the generator that dropout draws from.
        with torch.random.fork_rng():
            figures: dict[str, float] = super().evaluate(*args, **kwargs)
        self.evaluated[f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"] = self._last_logits
        return figures

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        output = super().evaluation_loop(*args, **kwargs)
        self._last_logits = np.asarray(output.predictions)
        return output


def finetune(
    plan: SeedPlan, workspace: Path, report: Report, stop_at_step: int | None = None, pace: Pace | None = None
) -> Finetuning:
    """Fine-tune in `workspace`, from its last whole checkpoint if there is one, to the end or to `stop_at_step`.

    The best evaluated checkpoint is loaded at the end. `report` hears of every evaluation, also of those before a
    resumed checkpoint, `pace` of every step.
    """
    torch.set_num_threads(cpu_threads())
    require_digest(plan.base_model, plan.base_model_digest)
    tokenizer = load_tokenizer(Path(plan.base_model))
    splits = {split: _examples(plan, tokenizer, split) for split in SPLITS}
    steps = total_steps(plan.training, plan.splits.rows["train"])
    stop = stop_at_step or steps
    resumed = last_whole_checkpoint(workspace, _best_of)
    over = _state_if_over(plan, resumed, stop)
    trainer = _Trainer(
        model_init=partial(_load_model, plan),
        args=_arguments(plan, workspace),
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=partial(_compute_metrics, plan),
        compute_loss_func=_loss_of(plan),
        callbacks=[EvaluationReport(report), EvaluationSchedule(evaluation_steps(plan.training, steps), stop)],
    )
    trainer.remove_callback(DefaultFlowCallback)
    trainer.remove_callback(PrinterCallback)
    if pace is not None:
        trainer.add_callback(PaceReport(pace))
    if plan.training.patience_evaluations is not None:
        trainer.add_callback(EarlyStoppingCallback(plan.training.patience_evaluations))
    if over:
        return _without_training(plan, trainer, splits, over, report)
    done = trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    require_whole(Path(str(trainer.state.best_model_checkpoint)))
    return Finetuning(plan, trainer, splits, done.metrics)


def _best_of(checkpoint: Path) -> str | None:
    best = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME)).best_model_checkpoint
    return None if best is None else Path(best).name


def _state_if_over(plan: SeedPlan, checkpoint: Path | None, stop: int) -> TrainerState | None:
    """Return the state of a checkpoint from which training does not go on: its last step, or stopped early."""
    if checkpoint is None:
        return None
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    patience = plan.training.patience_evaluations
    early: Any = state.stateful_callbacks.get(EarlyStoppingCallback.__name__, {})
    waited = early.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return state if state.global_step >= stop or (patience is not None and waited >= patience) else None


def _load_finished(plan: SeedPlan, state: TrainerState) -> Any:
    model = _load_model(plan)
    model.load_state_dict(load_file(Path(str(state.best_model_checkpoint)) / SAFE_WEIGHTS_NAME))
    return model


def _without_training(
    plan: SeedPlan, trainer: _Trainer, splits: dict[str, Examples], state: TrainerState, report: Report
) -> Finetuning:
    """Return what was trained before this process came, as if it had done so itself."""
    trainer.state = state
    trainer.model = trainer.model_wrapped = _load_finished(plan, state).to(trainer.args.device)
    evaluations = evaluations_of(state)
    for number, figures in enumerate(evaluations, start=1):
        report(number, figures)
    figures = {"epoch": evaluations[-1]["epoch"], "train_loss": evaluations[-1]["train_loss"]}
    return Finetuning(plan, trainer, splits, figures)


def _examples(plan: SeedPlan, tokenizer: Any, split: str) -> Examples:
    rows = read_split(plan.splits.path, plan.splits.labels, split)
    if split == "train" and plan.mixing is not None:
        rows = with_hard_targets(plan.splits.path, plan.splits.labels, rows)
    return Examples(tokenizer, rows, plan.preprocessing, plan.training.max_length_tokens, by_length=split != "train")


def _loss_of(plan: SeedPlan) -> Callable[..., Any]:
    splits = plan.splits
    if plan.mixing is None:
        return loss_function(splits.head)
    return mixed_loss(splits.head, len(splits.labels), plan.mixing)


def _load_model(plan: SeedPlan) -> Any:
    names = class_names(plan.splits.head, plan.splits.labels)
    return load_classifier(Path(plan.base_model), names, plan.training.freeze_embeddings)


def _arguments(plan: SeedPlan, folder: Path) -> TrainingArguments:
    training, gpu = plan.training, torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        seed=plan.seed,
        data_seed=plan.seed,
        full_determinism=gpu,
        bf16=gpu and torch.cuda.is_bf16_supported(),
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_share,
        weight_decay=training.weight_decay,
        # EvaluationSchedule says when; the Trainer only wants to know that both happen together.
        eval_strategy="steps",
        save_strategy="steps",
        logging_strategy="steps",
        save_total_limit=2,  # one to fall back to
        load_best_model_at_end=True,
        metric_for_best_model=training.metric,
        greater_is_better=training.metric not in LOWER_IS_BETTER,
        restore_callback_states_from_checkpoint=True,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=gpu,
    )


def _compute_metrics(plan: SeedPlan, prediction: EvalPrediction) -> dict[str, float]:
    if not np.isfinite(np.asarray(prediction.predictions)).all():
        raise TrainingError(
            f"'{plan.study}' diverged: the model gives logits that are no numbers, at learning rate "
            f"{plan.training.learning_rate:g} and batch size {plan.training.batch_size}. Lower the learning rate."
        )
    targets = np.asarray(prediction.label_ids, dtype=np.float64)
    scores = scores_of_labels(plan.splits.head, plan.splits.labels, np.asarray(prediction.predictions))
    thresholds = best_thresholds(targets, scores)
    return all_figures(plan.splits.head, plan.splits.labels, targets, scores, thresholds)
