"""Files of answers as labellers send them back, and a round with a batch that they answer."""

import csv
from pathlib import Path

from tasks.core.base.naming.work_places import batches_folder
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.settle import import_and_settle, settle
from tasks.core.round.round_file import read_round
from tests.support.batches import ids, write
from tests.support.labelled_files import delimited
from tests.support.round_files import write_round

HEADER = ("tweet_id", "label", "annotator", "answer")
IDS = ids(6)


def open_batch(folder: Path, labels=("positive",), count=6, **labelling):
    """Return the path of a small round's file, the round, and its settled batch."""
    path = write_round(folder, folder / "base", labelling=labelling)
    round_ = read_round(path)
    batch = write(batches_folder(round_.work_path, round_.country, round_.name), count, labels)
    return path, round_, settle(batch, round_)


def answers(path: Path, rows, header=HEADER, delimiter=",") -> Path:
    """Write a CSV of answers; a row is a text's place, its label, an annotator and a word, or cells as they are."""
    cells = [(IDS[row[0]] if isinstance(row[0], int) else row[0], *row[1:]) for row in rows]
    return delimited(path, header, cells, delimiter)


def said_by(annotator: str, words, label="positive"):
    """Return rows in which an annotator answers the first texts, a word each."""
    return [(place, label, annotator, word) for place, word in enumerate(words)]


def import_rows(settled, round_, folder: Path, rows, name="answers.csv", **way):
    """Write rows as a file, import it, and return what it brought and where all stands."""
    return import_and_settle(settled, round_, answers(folder / name, rows), ImportWay(**way))


def fill_in(path: Path, word_of) -> Path:
    """Fill in the answers of an exported CSV: `word_of` gives a row's."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return delimited(path, list(rows[0]), [[*(row | {"answer": word_of(row)}).values()] for row in rows])
