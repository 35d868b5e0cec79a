"""A tokenizer trained on the corpus, and a model that speaks its tokens."""

from collections.abc import Iterator
from typing import Any

import torch

from tasks.core.base.errors import ModelFolderError
from tasks.core.pretraining.text_batches import in_batches


def train_tokenizer(base: Any, texts: Iterator[str], vocabulary_size: int) -> Any:
    """Train a tokenizer of the same kind as `base`, with its normalisation and special tokens.

    The library numbers WordPiece's tokens, and chooses among its rarest, in another order each time; a resumed
    pretraining therefore keeps the tokenizer it has.

    Raises:
        ModelFolderError: the kind of tokenizer cannot be trained.
    """
    if not base.is_fast:
        raise ModelFolderError(
            f"the base model's tokenizer {type(base).__name__} cannot be trained; leave out pretraining.vocabulary_size"
        )
    return base.train_new_from_iterator(in_batches(texts), vocabulary_size, show_progress=False)


def adapt_embeddings(model: Any, old: Any, new: Any) -> None:
    """Give the model the new tokenizer's tokens: those of both keep their vectors, others start from the mean."""
    known, source = _common_ids(old.get_vocab(), new.get_vocab())
    count = max(new.get_vocab().values()) + 1
    used = torch.tensor(sorted(old.get_vocab().values()))

    def carry(weight: torch.Tensor) -> torch.Tensor:
        carried = weight[used].mean(dim=0).expand(count, *weight.shape[1:]).clone()
        carried[known] = weight[source]
        return carried

    inputs = carry(model.get_input_embeddings().weight.detach())
    head = {name: carry(weight.detach()) for name, weight in model.get_output_embeddings().named_parameters()}
    model.resize_token_embeddings(count, mean_resizing=False)
    with torch.no_grad():
        for name, weight in model.get_output_embeddings().named_parameters():
            weight.copy_(head[name])
        # Last, for most models tie the head's vectors to these.
        model.get_input_embeddings().weight.copy_(inputs)
    for token in ("pad", "bos", "eos", "cls", "sep"):
        if hasattr(model.config, f"{token}_token_id"):
            setattr(model.config, f"{token}_token_id", getattr(new, f"{token}_token_id"))


def _common_ids(old: dict[str, int], new: dict[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the new and the old ids of the tokens that both have."""
    common = sorted(old.keys() & new.keys())
    return torch.tensor([new[token] for token in common]), torch.tensor([old[token] for token in common])
