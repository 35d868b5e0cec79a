"""`winnow preview`: what a preprocessing does to texts of the round's own sample. Needs no server."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.core.base.errors import InputDataError, RoundFileError
from tasks.core.base.printable import on_one_line
from tasks.core.corpus.sample.listing import SampleFile, list_sample
from tasks.core.corpus.sample.reading import decode_texts, draw_texts, read_rows
from tasks.core.preprocessing import PREPROCESSINGS, preprocess
from tasks.core.round.model import Round
from tasks.core.round.sections import Sample

DRAWN_TEXTS = 1_000


@dataclass(frozen=True)
class Preview:
    """Texts of a sample before and after a preprocessing."""

    preprocessing: str
    sample: str
    rows: int
    """The whole sample has so many rows."""
    drawn: int
    changed: int
    emptied: int
    distinct_before: int
    distinct_after: int
    pairs: tuple[tuple[str, str], ...]
    """Each pair is a text before and after; those that change come first."""


def preview(round_: Round, preprocessing: str | None = None, count: int = 10) -> Preview:
    """Draw texts of the round's conversion sample and preprocess them, by default as the round file says.

    Raises:
        RoundFileError: there is no preprocessing of that name, or the round has no such sample.
        InputDataError: the sample cannot be read, or all its texts are blank.
    """
    name = preprocessing or round_.preprocessing
    if name not in PREPROCESSINGS:
        raise RoundFileError(f"there is no preprocessing '{name}'; allowed are {', '.join(sorted(PREPROCESSINGS))}")
    sample = round_.samples[round_.conversion.sample]
    files = list_sample(sample)
    before = _draw(files, sample, round_.conversion.draw_seed)
    after = preprocess(name, before)
    pairs = dict(zip(before, after, strict=True))
    changed = [(old, new) for old, new in pairs.items() if old != new]
    unchanged = [(old, new) for old, new in pairs.items() if old == new]
    return Preview(
        preprocessing=name,
        sample=round_.conversion.sample,
        rows=sum(file.rows for file in files),
        drawn=len(before),
        changed=sum(old != new for old, new in zip(before, after, strict=True)),
        emptied=after.count(""),
        distinct_before=len(pairs),
        distinct_after=len(set(after)),
        pairs=tuple((_spread(changed, count) + unchanged)[:count]),
    )


def describe(seen: Preview, round_: Round) -> str:
    """Return the preview as lines for a terminal; characters that do not print are written as escapes."""
    whose = "" if seen.preprocessing == round_.preprocessing else f"; the round file says '{round_.preprocessing}'"
    empty = f", {seen.emptied:,} become empty" if seen.emptied else ""
    lines = [
        f"round {round_.name}, preprocessing '{seen.preprocessing}'{whose}",
        f"sample '{seen.sample}': {seen.drawn:,} texts drawn from {seen.rows:,} rows",
        f"{seen.changed:,} change ({seen.changed / seen.drawn:.1%}){empty}",
        f"{seen.distinct_before:,} distinct texts before, {seen.distinct_after:,} after",
    ]
    for number, (before, after) in enumerate(seen.pairs, start=1):
        shown = on_one_line(after) if after != before else "(does not change)"
        lines += ["", f"{number:>3}  before  {on_one_line(before)}", f"     after   {shown}"]
    return "\n".join(lines)


def _draw(files: list[SampleFile], sample: Sample, seed: int) -> list[str]:
    """Draw so many texts, or take all of a sample that has fewer."""
    try:
        return draw_texts(files, sample, DRAWN_TEXTS, seed, "the number of texts to preview")
    except InputDataError:
        texts = [text for text in _all_texts(files, sample) if text and not text.isspace()]
    if not texts:
        raise InputDataError(
            f"all texts in column '{sample.text_column}' of {sample.path} are blank; name another column or sample "
            "in the round file"
        )
    return texts


def _all_texts(files: list[SampleFile], sample: Sample) -> Iterator[str | None]:
    for file in files:
        if file.rows:
            yield from decode_texts(read_rows(file.path, 0, file.rows, sample.id_column, sample.text_column)["text"])


def _spread(pairs: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Take `count` pairs from all over the sample, not only from its first file."""
    kept = min(count, len(pairs))
    return [pairs[position * len(pairs) // kept] for position in range(kept)]
