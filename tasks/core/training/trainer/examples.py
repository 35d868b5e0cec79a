"""Labelled texts as the Trainer takes them: tokenised once, unpadded, in an order that follows from seed and epoch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from transformers.trainer_pt_utils import LengthGroupedSampler

from tasks.core.corpus.labelled.prepare import Rows
from tasks.core.preprocessing import preprocess


class Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """The rows of one split; shortest first when `by_length`, so that evaluation pads little."""

    def __init__(self, tokenizer: Any, rows: Rows, preprocessing: str, max_length_tokens: int, by_length: bool) -> None:
        texts = preprocess(preprocessing, rows.texts)
        self._encoded = tokenizer(texts, truncation=True, max_length=max_length_tokens)
        self.targets = rows.targets
        self.lengths = [len(ids) for ids in self._encoded["input_ids"]]
        self.order = np.argsort(self.lengths, kind="stable") if by_length else np.arange(len(self.lengths))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, position: int) -> dict[str, Any]:
        row = int(self.order[position])
        return {**{name: column[row] for name, column in self._encoded.items()}, "labels": self.targets[row].tolist()}


class EpochOrder(LengthGroupedSampler):
    """Batches of similar length, shuffled by seed and epoch alone: a resumed epoch continues the very same order."""

    def __init__(self, examples: Examples, batch_size: int, seed: int) -> None:
        super().__init__(batch_size, lengths=examples.lengths)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the Trainer calls it."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        sequence = np.random.SeedSequence([self._seed, self._epoch])
        self.generator = torch.Generator().manual_seed(int(sequence.generate_state(1)[0]))
        order: Iterator[int] = super().__iter__()
        return order
