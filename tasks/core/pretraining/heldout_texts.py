"""A sample's texts, preprocessed, in training and held-out ones that share no text.

Held out are the distinct texts with the smallest keyed hashes: fixed by the seed, whatever their order, found in the
memory of the held-out ones alone. Without a limit the sample is read in passes, a row group at a time.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.corpus.sample.reading import decode_texts, draw_texts, read_rows
from tasks.core.preprocessing import preprocess
from tasks.core.pretraining.pretraining_plan import PretrainingPlan, sample_digest
from tasks.core.pretraining.text_batches import in_batches
from tasks.core.round.sections import Sample

KEY_BYTES = 16


class CorpusTexts:
    """The texts of a plan, to be gone through as often as needed."""

    def __init__(self, plan: PretrainingPlan) -> None:
        files = list_sample(plan.sample)
        if sample_digest(files, plan.sample) != plan.data_digest:
            raise InputDataError(f"the sample {plan.sample.path} has changed since the flow started. Run it again.")
        self._plan = plan
        self._files = files
        self._drawn = _draw(plan, files)
        self._heldout = self._choose_heldout()

    def training(self) -> Iterator[str]:
        """Every training text, as often as the sample has it."""
        return (text for heldout, text in self.all() if not heldout)

    def all(self) -> Iterator[tuple[bool, str]]:
        """Every text, with whether it is held out; a held-out one comes once, however often the sample has it."""
        seen: set[int] = set()
        for text in self._preprocessed():
            key = text_key(text, self._plan.settings.seed)
            if key not in self._heldout:
                yield False, text
            elif key not in seen:
                seen.add(key)
                yield True, text

    def _choose_heldout(self) -> frozenset[int]:
        settings = self._plan.settings
        keys = (text_key(text, settings.seed) for text in self._preprocessed())
        chosen = smallest_distinct(keys, settings.heldout_texts)
        if len(chosen) < settings.heldout_texts:
            raise InputDataError(
                f"the sample {self._plan.sample.path} gives {len(chosen)} distinct texts, but "
                f"pretraining.heldout_texts is {settings.heldout_texts}. Lower it in the round file, or name "
                "a larger sample."
            )
        return chosen

    def _preprocessed(self) -> Iterator[str]:
        raw = _stream(self._files, self._plan.sample) if self._drawn is None else self._drawn
        for batch in in_batches(raw):
            written = [text for text in batch if not _is_blank(text)]
            yield from (text for text in preprocess(self._plan.preprocessing, written) if not _is_blank(text))


def text_key(text: str, seed: int) -> int:
    """Return a text's place in the drawing of held-out texts; case and spacing make no other text."""
    normal = " ".join(text.casefold().split())
    content = normal.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=KEY_BYTES, key=str(seed).encode()).digest())


def smallest_distinct(keys: Iterable[int], count: int) -> frozenset[int]:
    """Return the `count` smallest distinct keys, or all when there are fewer."""
    largest_first: list[int] = []
    chosen: set[int] = set()
    for key in keys:
        if key in chosen:
            continue
        if len(chosen) < count:
            heapq.heappush(largest_first, -key)
            chosen.add(key)
        elif key < -largest_first[0]:
            chosen.remove(-heapq.heapreplace(largest_first, -key))
            chosen.add(key)
    return frozenset(chosen)


def _draw(plan: PretrainingPlan, files: list[SampleFile]) -> list[str] | None:
    """Draw the limited number of texts; None stands for all."""
    settings = plan.settings
    if settings.limit_texts is None:
        return None
    return draw_texts(files, plan.sample, settings.limit_texts, settings.seed, "pretraining.limit_texts")


def _stream(files: list[SampleFile], sample: Sample) -> Iterator[str]:
    for file in files:
        first = 0
        for rows in file.row_groups:
            table = read_rows(file.path, first, first + rows, sample.id_column, sample.text_column)
            yield from (text for text in decode_texts(table["text"]) if text is not None)
            first += rows


def _is_blank(text: str) -> bool:
    return not text or text.isspace()
