"""A round's samples: their files, columns, ids and number, by a look at the first rows."""

from collections.abc import Iterator

from deployments.doctor.check import Check
from tasks.core.base.errors import WinnowError
from tasks.core.base.naming.round_names import MAIN_SAMPLE
from tasks.core.corpus.sample.first_rows import FirstRows, look_at_sample
from tasks.core.round.model import Round

REMEDY = "correct samples in the round file, or the data"


def check_samples(round_: Round) -> Iterator[Check]:
    """Check that the sample which flows take is there, and what the first rows of each sample hold."""
    if MAIN_SAMPLE not in round_.samples:
        yield Check(
            "samples",
            False,
            f"they are called {', '.join(sorted(round_.samples))}, and none {MAIN_SAMPLE}, which inference, evaluation "
            "and the whole round take unless a run names another (-p sample=...)",
            f"call one of them {MAIN_SAMPLE}",
        )
    needed = _needed(round_)
    for name, sample in round_.samples.items():
        title = f"sample {name}, {sample.path}"
        try:
            found = look_at_sample(sample)
        except (WinnowError, OSError) as error:
            yield Check(title, False if name in needed else None, str(error), REMEDY)
        else:
            yield _judge(title, found)
            yield from _enough(round_, name, found)


def _needed(round_: Round) -> set[str]:
    """Return the samples that a section names; others may be yet to come."""
    sections = (round_.conversion, round_.pretraining, round_.distillation, round_.sampling)
    named = {getattr(section, "sample", None) for section in sections}
    published = round_.publishing.samples if round_.publishing is not None else None
    return {MAIN_SAMPLE, *(published or ()), *(name for name in named if name)}


def _judge(title: str, found: FirstRows) -> Check:
    counted = f"{found.rows:,} rows" if found.rows is not None else "rows not counted"
    first = f"of the first {found.looked:,}"
    notes = [f"{count:,} {first} {what}" for count, what in _odd(found) if count]
    if found.looked == found.without_id:
        return Check(title, False, f"no row {first} has an id; a row without one is not scored", REMEDY)
    if found.looked == found.blank_texts:
        return Check(title, False, f"no row {first} has a text", REMEDY)
    if 2 * found.repeated > found.looked:
        said = f"{found.repeated:,} {first} rows have an id that stands there already: is it the column of the ids?"
        return Check(title, False, said, REMEDY)
    said = f"{counted} in {found.files:,} {'file' if found.files == 1 else 'files'}"
    return Check(title, None, f"{said}; but {', '.join(notes)}") if notes else Check(title, True, said)


def _odd(found: FirstRows) -> list[tuple[int, str]]:
    return [
        (found.without_id, "have no id, and are not scored"),
        (found.repeated, "have an id that stands there already"),
        (found.blank_texts, "have no text"),
    ]


def _enough(round_: Round, name: str, found: FirstRows) -> Iterator[Check]:
    """Compare a sample with the texts that conversion draws from it."""
    conversion = round_.conversion
    makes = round_.model_round == round_.name and conversion.sample == name
    if makes and found.rows is not None and found.rows < conversion.scored_texts:
        yield Check(
            f"conversion.scored_texts {conversion.scored_texts:,}",
            False,
            f"so many texts are drawn from the sample {name}, which has {found.rows:,}",
            f"lower it, and parity_texts to at most {_parity(found.rows, conversion.texts_apart):,}, or name a larger "
            "sample as conversion.sample",
        )


def _parity(rows: int, apart: int) -> int:
    return max(200, min(rows - apart, int(0.8 * rows)))
