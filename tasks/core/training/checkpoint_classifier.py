"""A checkpoint as an MLflow pyfunc: texts in, probabilities out, also where Winnow is not installed.

Engine models are faster and are what inference runs; this is what they are judged by. MLflow imports this module from
the code that travels with the checkpoint, put there by tasks.core.conversion.packing.pyfunc_files.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from tasks.core.engines.loading import Engine
from tasks.core.engines.scores import require_finite
from tasks.core.engines.text_classifier import SCORE_COLUMN, column_of, require_texts
from tasks.core.metrics.heads import scores_of_labels
from tasks.core.preprocessing import preprocess
from tasks.core.training.base_models.load_base import load_finished_classifier, load_tokenizer
from tasks.core.training.trainer.checkpoint import CheckpointCard, read_card


@dataclass(frozen=True)
class OpenCheckpoint:
    """A checkpoint in PyTorch and fp32."""

    card: CheckpointCard
    engine: Engine
    tokenizer: Any

    def scores(self, texts: list[str], what: str) -> NDArray[np.float64]:
        """Return the labels' probabilities, of shape (texts, labels), of texts as people wrote them.

        Raises:
            MachineError: a logit is no number; `what` says of which model.
        """
        if not texts:
            return np.empty((0, len(self.card.labels)), dtype=np.float64)
        prepared = preprocess(self.card.preprocessing, texts)
        rows = self.tokenizer(prepared, truncation=True, max_length=self.card.max_length_tokens)["input_ids"]
        logits = self.engine.logits(rows)
        require_finite(logits, what)
        return scores_of_labels(self.card.head, self.card.labels, logits)


def open_checkpoint(checkpoint: Path) -> OpenCheckpoint:
    """Open a checkpoint's folder.

    Raises:
        ModelFolderError: it is none of Winnow's, or lacks weights, or has others.
    """
    card, model, tokenizer = read_card(checkpoint), load_finished_classifier(checkpoint), load_tokenizer(checkpoint)

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        return np.asarray(output.logits.numpy())

    return OpenCheckpoint(card, Engine(run), tokenizer)


class CheckpointClassifier:
    """What `mlflow.pyfunc.load_model` gives."""

    def __init__(self, opened: OpenCheckpoint) -> None:
        self._opened = opened
        labels = opened.card.labels
        self._columns = [SCORE_COLUMN] if len(labels) == 1 else list(labels)
        self._one_at_a_time = Lock()  # a tokenizer's truncation is a state of its own

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow's
        """Return each text's `probability`, or a column a label where there are several, with the input's index.

        `model_input` is a list of texts, a Series, or a DataFrame with a column `text` or with a single one.

        Raises:
            InputDataError: there is no such column, or a row holds no text.
        """
        texts = require_texts(column_of(model_input))
        with self._one_at_a_time:
            scores = self._opened.scores(texts.tolist(), f"the checkpoint of {', '.join(self._opened.card.labels)}")
        return pd.DataFrame(scores, columns=self._columns, index=texts.index)


def _load_pyfunc(path: str, model_config: dict[str, Any] | None = None) -> CheckpointClassifier:  # noqa: ARG001
    """Open the checkpoint at `path`; MLflow looks for this name."""
    return CheckpointClassifier(open_checkpoint(Path(path).resolve()))
