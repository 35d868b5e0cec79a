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
from tasks.core.engines.loading import open_engine
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.engines.text_classifier import logits_of
from tasks.core.training.checkpoint_classifier import open_checkpoint


@dataclass(frozen=True)
class ModelScores:
    """Probabilities, and what they cost."""

    scores: NDArray[np.float64]
    """A student's scores have the shape (texts, labels), an expert's of one label (texts,)."""
    texts_per_core_second: float


def checkpoint_scores(checkpoint: Path, texts: Sequence[str]) -> ModelScores:
    """Score texts, as people wrote them, with a checkpoint in PyTorch and fp32."""
    opened = open_checkpoint(checkpoint)
    torch.set_num_threads(cpu_threads())
    started = time.monotonic()
    scores = opened.scores(list(texts), f"the student {checkpoint}")
    return ModelScores(scores, texts_a_second(len(texts), started))


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
