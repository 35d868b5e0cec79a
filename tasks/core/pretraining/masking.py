"""Which block comes when, and which of its tokens are masked: functions of the seed and the position alone.

So a resumed training sees what an undisturbed one sees, and perplexity before and after is measured on the same masks.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DataCollatorForLanguageModeling

TRAINING_STREAM, HELDOUT_STREAM = 0, 1
NOT_MASKED = -100


class BlockSequence(torch.utils.data.Dataset[dict[str, Any]]):
    """All epochs of training end to end, each in an order of its own; of held-out blocks one, as they lie."""

    def __init__(
        self, blocks: NDArray[np.uint32], special_ids: list[int], seed: int, epochs: int | None = None
    ) -> None:
        self._blocks = blocks
        self._special = np.asarray(special_ids)
        self._seed = seed
        self._epochs = epochs
        self._order = (-1, np.arange(len(blocks)))

    def __len__(self) -> int:
        return len(self._blocks) * (self._epochs or 1)

    def __getitem__(self, position: int) -> dict[str, Any]:
        ids = self._blocks[self._row(position)].astype(np.int64)
        return {
            "input_ids": torch.from_numpy(ids),
            "special_tokens_mask": torch.from_numpy(np.isin(ids, self._special).astype(np.int64)),
            "position": position,
            "stream": HELDOUT_STREAM if self._epochs is None else TRAINING_STREAM,
        }

    def _row(self, position: int) -> int:
        epoch, place = divmod(position, len(self._blocks))
        if self._epochs is not None and self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self._seed, epoch]).permutation(len(self._blocks)))
        return int(self._order[1][place])


class MaskingCollator:
    """The Hugging Face collator, its random numbers drawn anew for each batch from the batch's first position."""

    def __init__(self, tokenizer: Any, masked_share: float, seed: int) -> None:
        self._collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=masked_share, seed=seed)
        self._seed = seed
        self._mask_id = tokenizer.mask_token_id

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return `input_ids` with masks, `attention_mask` and `labels`."""
        first = examples[0]
        drawn = np.random.SeedSequence([self._seed, first["stream"], first["position"]]).generate_state(1, np.uint64)
        self._collate.generator = torch.Generator().manual_seed(int(drawn[0]) >> 1)
        tensors = [{name: example[name] for name in ("input_ids", "special_tokens_mask")} for example in examples]
        batch: dict[str, torch.Tensor] = dict(self._collate(tensors))
        if not bool((batch["labels"] != NOT_MASKED).any()):
            # The mean loss of no token is not a number, and one such step would ruin every weight.
            middle = batch["input_ids"].shape[1] // 2
            batch["labels"][0, middle] = batch["input_ids"][0, middle]
            batch["input_ids"][0, middle] = self._mask_id
        return batch
