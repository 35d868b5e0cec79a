"""The plain Trainer recipe of source document 004: every text padded to the maximum length, batches at random."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from transformers import AutoTokenizer, Trainer, TrainerCallback, TrainingArguments

from tasks.core.base.threads import cpu_threads
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.metrics.figures import label_figures
from tasks.core.metrics.heads import THRESHOLD, scores_of_labels
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.trainer import finetune


class StepClock(TrainerCallback):  # type: ignore[misc]
    """Sums the seconds of training steps, loading of batches included, evaluation and saving left out."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.steps = 0
        self._since = 0.0

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self._since = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds += time.perf_counter() - self._since
        self.steps += 1
        self._since = time.perf_counter()

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        self._since = time.perf_counter()

    def on_save(self, *_: Any, **__: Any) -> None:
        self._since = time.perf_counter()

    def examples_per_second(self, plan: SeedPlan) -> float:
        return plan.splits.rows["train"] * plan.training.epochs / self.seconds

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Add this clock to the Trainer that the product makes while the block runs."""

        class Clocked(finetune._Trainer):
            def __init__(trainer, *args: Any, **kwargs: Any) -> None:  # noqa: N805
                super().__init__(*args, **kwargs)
                trainer.add_callback(self)

        with patch.object(finetune, "_Trainer", Clocked):
            yield


class _Padded(torch.utils.data.Dataset):
    def __init__(self, tokenizer: Any, plan: SeedPlan, split: str) -> None:
        rows = read_split(plan.splits.path, plan.splits.labels, split)
        length = plan.training.max_length_tokens
        self.encoded = tokenizer(rows.texts, truncation=True, padding="max_length", max_length=length)
        self.targets = rows.targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**{name: column[row] for name, column in self.encoded.items()}, "labels": int(self.targets[row, 0])}


def train_padded(plan: SeedPlan, folder: Path, clock: StepClock) -> float:
    """Train with the plan's settings as document 004 does; return the test AP of the best epoch."""
    torch.set_num_threads(cpu_threads())
    tokenizer = AutoTokenizer.from_pretrained(plan.base_model)
    splits = {split: _Padded(tokenizer, plan, split) for split in ("train", "validation", "test")}
    training = plan.training
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=plan.seed,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=64,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup_share,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="average_precision",
        greater_is_better=True,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        model_init=partial(finetune._load_model, plan),
        args=arguments,
        train_dataset=splits["train"],
        eval_dataset=splits["validation"],
        compute_metrics=lambda prediction: {"average_precision": _ap(prediction.label_ids, prediction.predictions)},
        callbacks=[clock],
    )
    trainer.train()
    prediction = trainer.predict(splits["test"])
    return _ap(prediction.label_ids, prediction.predictions)


def _ap(labels: Any, logits: Any) -> float:
    targets = np.asarray(labels, dtype=np.float64)[:, None]
    scores = scores_of_labels("binary", ["positive"], np.asarray(logits))
    return label_figures("average_precision", targets, scores, scores >= THRESHOLD)[0]
