"""Texts scored by a student's checkpoint, or by an expert's engine model, and how fast that was."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.core.base.threads import cpu_threads
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.engines.text_classifier import logits_of
from tasks.core.metrics.heads import scores_of_labels
from tasks.core.preprocessing import preprocess
from tasks.core.training.base_models.load_base import load_finished_classifier, load_tokenizer
from tasks.core.training.trainer.checkpoint import read_card


@dataclass(frozen=True)
class ModelScores:
    """Probabilities, and what they cost."""

    scores: NDArray[np.float64]
    """A student's scores have the shape (texts, labels), an expert's of one label (texts,)."""
    texts_per_core_second: float


def checkpoint_scores(checkpoint: Path, texts: Sequence[str]) -> ModelScores:
    """Score texts, as people wrote them, with a checkpoint in PyTorch and fp32."""
    card, model, tokenizer = read_card(checkpoint), load_finished_classifier(checkpoint), load_tokenizer(checkpoint)
    torch.set_num_threads(cpu_threads())

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        return np.asarray(output.logits.numpy())

    started = time.monotonic()
    prepared = preprocess(card.preprocessing, list(texts))
    rows = tokenizer(prepared, truncation=True, max_length=card.max_length_tokens)["input_ids"]
    logits = Engine(run).logits(rows)
    require_finite(logits, f"the student {checkpoint}")
    return ModelScores(scores_of_labels(card.head, card.labels, logits), texts_a_second(len(texts), started))


def expert_scores(expert: ExpertRunFolder, labels: Sequence[str], texts: Sequence[str]) -> dict[str, ModelScores]:
    """Score texts with the engine models of an expert's run for some of its labels, by the round's names of them.

    Raises:
        ModelFolderError: an engine model is no longer the one that scored the run.
        MachineError: it cannot run here as it was made.
    """
    uses = {use.label: use for use in expert.plan.engines}
    found = {}
    for label in labels:
        theirs = expert.named[label]
        model, engine = open_engine(uses[theirs].folder, expert.plan.inputs.fall_back_to_fp32, uses[theirs].seal)
        started = time.monotonic()
        logits = logits_of(list(texts), model, engine, expert.plan.inputs.batch_tokens)
        require_finite(logits, f"the expert {expert.name}, label '{label}'")
        scores = label_scores(logits, model.positive_index, model.head)
        found[label] = ModelScores(scores, texts_a_second(len(texts), started))
    return found


def texts_a_second(texts: int, started: float) -> float:
    """Return how many texts a second one core has scored since `started`, by the monotonic clock."""
    return texts / max(time.monotonic() - started, 1e-9) / cpu_threads()
