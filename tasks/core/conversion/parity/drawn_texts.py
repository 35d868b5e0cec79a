"""The texts drawn from the sample, parted: int8 variants are made with some, and all variants judged by the others."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from tasks.core.base.errors import InputDataError
from tasks.core.conversion.parity.parity_texts import with_extremes
from tasks.core.round.conversion_section import Conversion

Row = list[int]


@dataclass(frozen=True)
class DrawnTexts:
    """Texts that the model sees as different ones."""

    texts: list[str]
    """The texts that are scored stand here as they were drawn."""
    prepared: list[str]
    """The scored texts stand here as the tokenizer gets them."""
    rows: list[Row]
    """The scored texts stand here as the model gets them."""
    apart: list[Row]
    """The texts set apart for making int8 variants stand here as the model gets them."""


def part_texts(
    drawn: list[str],
    prepare: Callable[[list[str]], list[str]],
    encode: Callable[[list[str]], list[Row]],
    labelled: Collection[Row],
    settings: Conversion,
) -> DrawnTexts:
    """Part the drawn texts; none is in both parts, and none set apart is among the `labelled` rows.

    Texts of equal tokens count once: they tie, and a tie at the edge of the top would be broken by rounding.

    Raises:
        InputDataError: fewer differ than are wanted.
    """
    texts = with_extremes(drawn)
    prepared = prepare(texts)
    rows = encode(prepared)
    distinct = list({tuple(row): number for number, row in reversed(list(enumerate(rows)))}.values())
    kept = {tuple(row) for row in labelled}
    order = np.random.default_rng(settings.draw_seed).permutation(sorted(distinct)).tolist()
    apart = [number for number in order if tuple(rows[number]) not in kept][: settings.texts_apart]
    scored = sorted(set(order) - set(apart))
    if len(apart) < settings.texts_apart or len(scored) < settings.parity_texts:
        raise InputDataError(
            f"of {len(drawn)} texts drawn from sample '{settings.sample}' only {len(distinct)} differ for the model "
            f"and leave {len(scored)} to judge by when {len(apart)} are set apart; parity_texts is "
            f"{settings.parity_texts} and {settings.texts_apart} are wanted apart. Raise conversion.scored_texts, or "
            "lower conversion.parity_texts."
        )
    return DrawnTexts(
        [texts[n] for n in scored], [prepared[n] for n in scored], [rows[n] for n in scored], [rows[n] for n in apart]
    )
