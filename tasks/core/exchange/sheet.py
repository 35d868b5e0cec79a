"""The labelling sheet: one HTML file a batch and annotator, which needs neither a server nor a network.

A text at a time, keys for yes, no, unsure and skip; answers are kept in the browser, and saved as a CSV that
`winnow labels import` reads. What it looks like and does stands in `sheet_page.html`, whose policy forbids it to fetch
or send anything.
"""

from collections.abc import Sequence
from pathlib import Path

from tasks.core.base.data_page import fill_page
from tasks.core.base.errors import InputDataError
from tasks.core.base.files import fingerprint, write_text
from tasks.core.base.naming.composed_names import sheet_file
from tasks.core.base.naming.file_names import SHEET_PAGE
from tasks.core.exchange.incoming.answer_file import name_of
from tasks.core.exchange.questions import questions_of, shuffled
from tasks.core.exchange.safe_cells import safe_id
from tasks.core.exchange.settle import Settled
from tasks.core.round.labelling_section import Examples, Labelling


def write_sheets(settled: Settled, folder: Path, annotators: Sequence[str], labelling: Labelling) -> list[Path]:
    """Write a sheet for each annotator into a folder, and return where they lie.

    Raises:
        InputDataError: no annotator, one that stands twice or has an empty name, or a sheet that is there already.
    """
    names = [name_of(one) for one in annotators]
    if not names or "" in names or len(set(names)) < len(names):
        raise InputDataError(f"each sheet is one annotator's: name each with --annotator, once; given are {names}")
    paths = [folder / sheet_file(settled.batch.folder.name, name) for name in names]
    if len(set(paths)) < len(paths):
        raise InputDataError(f"the sheets of {names} would have one file's name; name annotators by letters and digits")
    if there := [path for path in paths if path.exists()]:
        raise InputDataError(f"{there[0]} is there already; a sheet in use is not written over. Move it away first.")
    for path, name in zip(paths, names, strict=True):
        write_text(path, sheet(settled, name, labelling))
    return paths


def sheet(settled: Settled, annotator: str, labelling: Labelling) -> str:
    """Return an annotator's sheet; each has an order of their own, so that tiredness does not meet the same texts."""
    batch = settled.batch.folder.name
    questions = shuffled(questions_of(settled.batch, settled.controls), f"{batch} {annotator}")
    asked = [{"id": safe_id(one.tweet_id), "text": one.text, "label": one.label} for one in questions]
    labels = {label: _said_of(label, labelling) for label in dict.fromkeys(one.label for one in questions)}
    data = {"batch": batch, "annotator": annotator, "labels": labels, "questions": asked}
    data["store"] = f"winnow {batch} {annotator} {fingerprint(asked)}"
    return fill_page(__package__, SHEET_PAGE, data)


def _said_of(label: str, labelling: Labelling) -> dict[str, object]:
    examples = labelling.examples.get(label, Examples())
    return {"instructions": labelling.instructions.get(label, ""), "yes": examples.yes, "no": examples.no}
