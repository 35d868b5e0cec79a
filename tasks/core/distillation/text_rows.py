"""Texts with targets, before they are rows of a file."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """Unlabelled texts, and what the experts think of them."""

    texts: list[str]
    targets: Floats
    """The mean probabilities have the shape (rows, labels)."""

    def without(self, texts: set[str]) -> "Lesson":
        """Return the lesson without some texts, and with each other text once."""
        first = {text: number for number, text in reversed(list(enumerate(self.texts)))}
        kept = sorted(number for text, number in first.items() if text not in texts)
        return Lesson([self.texts[number] for number in kept], self.targets[kept])


@dataclass
class TextRows:
    """Rows of one split, each text once, with a blank target until one is known."""

    width: int
    ids: list[str] = field(default_factory=list)
    texts: dict[str, int] = field(default_factory=dict)
    soft: list[Floats] = field(default_factory=list)
    hard: list[Floats] = field(default_factory=list)

    def place(self, id_: str, text: str) -> int:
        """Return the number of the row of a text, a new one if there is none."""
        if text not in self.texts:
            self.texts[text] = len(self.texts)
            self.ids.append(id_)
            self.soft.append(np.full(self.width, np.nan))
            self.hard.append(np.full(self.width, np.nan))
        return self.texts[text]
