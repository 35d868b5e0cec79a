"""Texts as vectors of length 1: by a checkpoint's last hidden states, or by their words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
BATCH = 32
HASHED_WORDS = 4_096
"""The most frequent words, up to so many, are looked at."""


def word_vectors(texts: Sequence[str]) -> Vectors:
    """Return TF-IDF vectors of the words; a text without any has the vector 0."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - half a second, for words alone

    try:
        found = TfidfVectorizer(max_features=HASHED_WORDS, dtype=np.float32).fit_transform(texts)
    except ValueError:  # scikit-learn's word for texts without a single word
        return np.zeros((len(texts), 1), dtype=np.float32)
    return np.asarray(found.toarray())


def checkpoint_vectors(checkpoint: Path, texts: Sequence[str]) -> Vectors:
    """Return the mean of a checkpoint's last hidden states over the tokens of each text."""
    import torch  # noqa: PLC0415 - torch only where it is used

    from tasks.core.preprocessing import preprocess  # noqa: PLC0415 - beside what loads torch
    from tasks.core.training.base_models.load_base import (  # noqa: PLC0415
        load_finished_classifier,
        load_tokenizer,
    )
    from tasks.core.training.trainer.checkpoint import read_card  # noqa: PLC0415

    card, model, tokenizer = read_card(checkpoint), load_finished_classifier(checkpoint), load_tokenizer(checkpoint)
    prepared, found = preprocess(card.preprocessing, list(texts)), []
    for first in range(0, len(prepared), BATCH):
        inputs = tokenizer(
            prepared[first : first + BATCH],
            truncation=True,
            max_length=card.max_length_tokens,
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            states = model(**inputs, output_hidden_states=True).hidden_states[-1]
        mask = inputs["attention_mask"][:, :, None]
        found.append(((states * mask).sum(1) / mask.sum(1)).numpy())
    vectors = np.concatenate(found).astype(np.float32)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
