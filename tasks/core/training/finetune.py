"""Fine-tune one sequence classifier with one seed, by the Hugging Face Trainer."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from tasks.core.corpus.labelled import read_split
from tasks.core.corpus.splits import SPLITS
from tasks.core.preprocessing import preprocess
from tasks.core.scores import positive_scores
from tasks.core.threads import cpu_threads
from tasks.core.training.base_model import parse_base_model
from tasks.core.training.checkpoint import OTHER_CLASS, CheckpointCard, write_card
from tasks.core.training.metrics import binary_metrics
from tasks.core.training.seed_plan import CHECKPOINT_FOLDER, SeedPlan

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Outcome:
    """What fine-tuning gave, beside the checkpoint folder."""

    epochs: list[dict[str, float]]
    metrics: dict[str, float]
    test_scores: NDArray[np.float64]


class _Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised texts of one split, unpadded; shortest first when `by_length`, so that evaluation pads little."""

    def __init__(self, tokenizer: Any, plan: SeedPlan, split: str, by_length: bool) -> None:
        _, texts, labels = read_split(plan.splits.path, split)
        prepared = preprocess(plan.preprocessing, texts)
        self._encoded = tokenizer(prepared, truncation=True, max_length=plan.training.max_length_tokens)
        self._labels = labels
        lengths = [len(ids) for ids in self._encoded["input_ids"]]
        self.order = np.argsort(lengths, kind="stable") if by_length else np.arange(len(labels))

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, position: int) -> dict[str, Any]:
        row = int(self.order[position])
        return {**{name: column[row] for name, column in self._encoded.items()}, "labels": self._labels[row]}


class _EpochReporter(TrainerCallback):
    """Collect each epoch's figures and hand them on while training runs."""

    def __init__(self, report: Callable[[int, dict[str, float]], None]) -> None:
        self._report = report
        self.epochs: list[dict[str, float]] = []

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:  # noqa: ARG002
        number = len(self.epochs) + 1
        figures = {
            name.replace("eval_", "validation_", 1): float(value)
            for name, value in metrics.items()
            if name.startswith("eval_") and not name.endswith(("_runtime", "_per_second"))
        }
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        if losses:
            figures["train_loss"] = float(losses[-1])
        self.epochs.append(figures)
        self._report(number, figures)


def finetune(plan: SeedPlan, folder: Path, report_epoch: Callable[[int, dict[str, float]], None]) -> Outcome:
    """Fine-tune, keep the best validation epoch in `folder`/checkpoint, and measure it on validation and test."""
    torch.set_num_threads(cpu_threads())
    base = parse_base_model(plan.base_model)
    tokenizer = AutoTokenizer.from_pretrained(base.name, revision=base.revision)
    splits = {split: _Examples(tokenizer, plan, split, by_length=split != "train") for split in SPLITS}
    reporter = _EpochReporter(report_epoch)
    epochs_folder = folder / "epochs"
    trainer = Trainer(
        model_init=lambda: _load_model(plan),
        args=_arguments(plan, epochs_folder),
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=_compute_metrics,
    )
    trainer.add_callback(reporter)
    trainer.train()
    trainer.remove_callback(reporter)
    metrics, test_scores = _measure(trainer, splits)
    trainer.save_model(str(folder / CHECKPOINT_FOLDER))
    (folder / CHECKPOINT_FOLDER / "training_args.bin").unlink()  # a pickle, and never read
    training = plan.training
    card = CheckpointCard(plan.label, plan.seed, plan.config_hash, plan.preprocessing, training.max_length_tokens)
    write_card(folder / CHECKPOINT_FOLDER, card)
    shutil.rmtree(epochs_folder)
    return Outcome(reporter.epochs, metrics, test_scores)


def _load_model(plan: SeedPlan) -> Any:
    base = parse_base_model(plan.base_model)
    model = AutoModelForSequenceClassification.from_pretrained(
        base.name,
        revision=base.revision,
        use_safetensors=True,
        num_labels=2,
        id2label={0: OTHER_CLASS, 1: plan.label},
        label2id={OTHER_CLASS: 0, plan.label: 1},
        dtype=torch.float32,
    )
    if plan.training.freeze_embeddings:
        for parameter in model.base_model.embeddings.parameters():
            parameter.requires_grad = False
    return model


def _arguments(plan: SeedPlan, folder: Path) -> TrainingArguments:
    training = plan.training
    return TrainingArguments(
        output_dir=str(folder),
        seed=plan.seed,
        data_seed=plan.seed,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_share,
        weight_decay=training.weight_decay,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=training.metric,
        greater_is_better=True,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    return binary_metrics(np.asarray(prediction.label_ids), positive_scores(np.asarray(prediction.predictions)))


def _measure(trainer: Trainer, splits: dict[str, _Examples]) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Measure the kept checkpoint; return the figures, and the test scores in the file's order."""
    # With grouping by length the Trainer shuffles what it predicts, too; the examples are sorted already.
    trainer.args.train_sampling_strategy = "sequential"
    metrics: dict[str, float] = {}
    test_scores = np.empty(len(splits["test"]))
    for split in ("validation", "test"):
        prediction = trainer.predict(splits[split])
        scores = positive_scores(np.asarray(prediction.predictions))
        figures = binary_metrics(np.asarray(prediction.label_ids), scores)
        metrics |= {f"{split}_{name}": value for name, value in figures.items()}
    test_scores[splits["test"].order] = scores
    return metrics, test_scores
