"""Whether the exported graph and its tokenizer are the checkpoint's; what is wrong is named."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ParityError

Logits = NDArray[np.floating]
STRICT_LOGIT_DIFFERENCE = 1e-4
"""An fp32 export may change no logit by more than this; rounding alone stays near 1e-6."""
WORST_TEXTS = 5
MOST_CLASSES = 6
"""Models with more classes than this are not tried in every order of them."""


def require_tokens(texts: list[str], expected: list[list[int]], found: list[list[int]]) -> None:
    """Check that tokenizer.json gives the tokens of the checkpoint's own tokenizer class.

    Raises:
        ParityError: it gives others; the message shows a text.
    """
    for text, wanted, got in zip(texts, expected, found, strict=True):
        if wanted != got:
            raise ParityError(
                f"the engine's tokenizer is not the checkpoint's: {text[:80]!r} becomes {got[:20]} instead of "
                f"{wanted[:20]}. Put the checkpoint's own tokenizer.json back; nothing was registered."
            )


def require_strict(
    variant: str, reference: Logits, found: Logits, texts: list[str], again: Callable[[], Logits]
) -> None:
    """Check that every logit of `found` is within 1e-4 of the checkpoint's, `reference`; shapes are (texts, columns).

    `again` scores the texts once more, which tells chance from a fault.

    Raises:
        ParityError: the shapes differ, or a logit is farther off or not a number; the message names what is wrong and
            shows the worst texts.
    """
    if reference.shape != found.shape:
        raise ParityError(f"{variant} gives logits of shape {found.shape}, its checkpoint {reference.shape}")
    difference = np.abs(found.astype(np.float64) - reference)
    if (difference <= STRICT_LOGIT_DIFFERENCE).all():
        return
    worst = difference.max(axis=1).argsort()[::-1][:WORST_TEXTS]
    shown = "\n".join(
        f"  {texts[row][:80]!r}: checkpoint {reference[row].tolist()}, engine {found[row].tolist()}" for row in worst
    )
    raise ParityError(
        f"{variant} differs from its checkpoint by up to {difference.max():.2g} in a logit; allowed "
        f"is {STRICT_LOGIT_DIFFERENCE:g}. The worst texts:\n{shown}\n"
        f"{_fault(reference, found, again)}; nothing was registered."
    )


def _fault(reference: Logits, found: Logits, again: Callable[[], Logits]) -> str:
    """Say what is wrong with the graph."""
    if np.isfinite(found).all() and np.abs(again() - found).max() > STRICT_LOGIT_DIFFERENCE:
        return "The graph gives other logits each time: dropout was left on in the export"
    columns = range(reference.shape[1])
    for order in permutations(columns) if len(columns) <= MOST_CLASSES else ():
        if (np.abs(found[:, order] - reference) <= STRICT_LOGIT_DIFFERENCE).all():
            return f"The graph's classes stand in another order: the checkpoint's are its columns {list(order)}"
    return "The graph's weights are not the checkpoint's, or not all of them"
