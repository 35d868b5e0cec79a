"""Train one seed: files in, a folder out.

Reads   the splits that `tasks.core.corpus.labelled.prepare` wrote, and the base model
Writes  <folder>/config.json, model.safetensors, tokenizer files, winnow.json: the best evaluated checkpoint
        <folder>/train_results.json, eval_results.json, test_results.json, all_results.json, trainer_state.json
        <folder>/predictions.parquet: id, split, each label's target and score, of validation and test
        <folder>/test_predictions.txt: the test rows of it, tab-separated, with decisions
        <folder>/result.json: the SeedResult
The folder is made aside and renamed when it is whole; a killed training goes on from its last whole checkpoint.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.files import sha256_of_file
from tasks.core.base.folders_aside import put_in_place
from tasks.core.base.naming.file_names import FINISHED_FOLDER
from tasks.core.base.naming.library_names import TRAINING_ARGUMENTS_FILE
from tasks.core.metrics.figures import all_figures, best_thresholds
from tasks.core.metrics.heads import scores_of_labels
from tasks.core.training.finished import write_finished
from tasks.core.training.seeds.predictions import Predictions, write_predictions
from tasks.core.training.seeds.seed_plan import SEED_RESULT, SeedPlan, SeedResult, read_result
from tasks.core.training.trainer.checkpoint import CheckpointCard, write_card
from tasks.core.training.trainer.finetune import Finetuning, finetune
from tasks.core.training.trainer.steps import Pace, Report, evaluations_of
from tasks.core.training.trainer.workspace import claim_workspace, discard_left, discard_workspace

RESULT_PREFIXES = {"validation": "eval", "test": "test"}
"""Hugging Face's result files call the splits by these names."""


def train_seed(plan: SeedPlan, report: Report, pace: Pace | None = None) -> SeedResult:
    """Train the plan's seed, or return its stored result; `report` hears of every evaluation either way.

    `pace` hears of every step.
    """
    finished = read_result(plan)
    if finished is not None:
        discard_left(plan.folder)
        for number, figures in enumerate(finished.evaluations, start=1):
            report(number, figures)
        return finished
    with claim_workspace(plan.folder) as workspace:
        if read_result(plan) is None:  # else another worker has finished it meanwhile
            finetuning = finetune(plan, workspace, report, pace=pace)
            result = _write_finished(finetuning, workspace / FINISHED_FOLDER)
            result = _put_in_place(plan, workspace / FINISHED_FOLDER, result)
            discard_workspace(workspace)
            return result
    return train_seed(plan, report, pace)


def _write_finished(finetuning: Finetuning, folder: Path) -> SeedResult:
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint = _save_checkpoint(finetuning, folder)
    predictions = {split: _predict(finetuning, split) for split in ("validation", "test")}
    thresholds = best_thresholds(predictions["validation"].targets, predictions["validation"].scores)
    metrics = _measure(finetuning.plan, predictions, thresholds)
    _write_results(finetuning, metrics, folder)
    write_predictions(finetuning.plan.splits, predictions, folder)
    plan, labels = finetuning.plan, finetuning.plan.splits.labels
    result = SeedResult(
        study=plan.study,
        seed=plan.seed,
        config_hash=plan.config_hash,
        evaluations=evaluations_of(finetuning.state),
        metrics=metrics,
        thresholds=dict(zip(labels, thresholds.tolist(), strict=True)),
        checkpoint_sha256=checkpoint,
    )
    write_finished(result, SEED_RESULT, folder)
    return result


def _save_checkpoint(finetuning: Finetuning, folder: Path) -> dict[str, str]:
    """Save model, tokenizer and card, and return the sha256 of each file."""
    plan = finetuning.plan
    finetuning.trainer.save_model(str(folder))
    (folder / TRAINING_ARGUMENTS_FILE).unlink()  # a pickle, and never read
    card = CheckpointCard.of(plan.splits, plan.seed, plan.config_hash, plan.preprocessing, plan.training)
    write_card(folder, card)
    return {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())}


def _predict(finetuning: Finetuning, split: str) -> Predictions:
    """Score a split with the kept checkpoint, in the file's order."""
    examples, splits = finetuning.splits[split], finetuning.plan.splits
    scores = scores_of_labels(splits.head, splits.labels, finetuning.logits(split))
    in_order = np.empty_like(scores)
    in_order[examples.order] = scores
    return Predictions(examples.targets, in_order)


def _measure(plan: SeedPlan, predictions: dict[str, Predictions], thresholds: NDArray[np.float64]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for split, rows in predictions.items():
        figures = all_figures(plan.splits.head, plan.splits.labels, rows.targets, rows.scores, thresholds)
        metrics |= {f"{split}_{name}": value for name, value in figures.items()}
    return metrics


def _write_results(finetuning: Finetuning, metrics: dict[str, float], folder: Path) -> None:
    """Write the results as Hugging Face's own scripts do."""
    trainer = finetuning.trainer
    trainer.args.output_dir = str(folder)
    trainer.save_state()
    trainer.save_metrics("train", finetuning.figures)
    for split, prefix in RESULT_PREFIXES.items():
        own = {name: value for name, value in metrics.items() if name.startswith(f"{split}_")}
        named = {name.replace(split, prefix, 1): value for name, value in own.items()}
        trainer.save_metrics(prefix, named | {"epoch": finetuning.state.epoch})


def _put_in_place(plan: SeedPlan, made: Path, result: SeedResult) -> SeedResult:
    """Rename the whole folder; when another worker was first, its result stands."""
    put_in_place(made, plan.folder, stands=lambda: read_result(plan) is not None)
    return read_result(plan) or result
