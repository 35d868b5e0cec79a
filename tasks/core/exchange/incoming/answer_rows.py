"""Each row of a file of answers: an answer to a question of the batch, or listed with the reason why it is none."""

from collections import defaultdict
from dataclasses import replace

from tasks.core.base.errors import InputDataError
from tasks.core.exchange.answers import Answers, Said
from tasks.core.exchange.batch import Batch
from tasks.core.exchange.controls import Control, Key
from tasks.core.exchange.incoming.answer_file import AnswerFile, Given
from tasks.core.exchange.incoming.answer_words import answer_of
from tasks.core.exchange.labelled_before import text_key
from tasks.core.exchange.safe_cells import id_among, means_two, safe_text
from tasks.core.runs.parts import ID_COLUMN

UNKNOWN_ID = "the text is not of this batch"
TWO_IDS = "the id may mean two texts of this batch: write it without `id_`, or with `id_` twice"
OTHER_TEXT = (
    "beside the id stands another text than the batch's: rows or ids were moved, or the file is of another sample "
    "(were texts only damaged, import it without its column `text`)"
)
NOT_ASKED = "the label was not asked of this text"
UNKNOWN_WORD = "the answer is no known word"
TWICE = "answered twice in the file, with different answers"
Left = dict[str, list[str]]
"""For each reason, the rows that were left out, in words."""


def understand(
    file: AnswerFile, batch: Batch, controls: list[Control], name: str, adjudicated: bool
) -> tuple[Answers, Left]:
    """Return the answers of a file by annotator and question, and what of it is none, by reason.

    Rows that name no annotator are `name`'s; all are where the answers are a last judgement.

    Raises:
        InputDataError: an answer is nobody's.
    """
    asked, texts = _asked(batch, controls)
    found: dict[tuple[str, Key], list[Said]] = defaultdict(list)
    left: Left = defaultdict(list)
    for given in file.rows:
        row = replace(given, tweet_id=id_among(given.tweet_id, asked))
        answer = answer_of(row.word)
        annotator = name if adjudicated else row.annotator or name
        problem = TWO_IDS if means_two(given.tweet_id, asked) else _problem(row, asked, texts, answer)
        if problem:
            left[problem].append(_told(row, annotator))
        elif answer is not None and (annotator or answer != "blank"):
            found[_named(annotator, file), (row.tweet_id, row.label)].append(Said(answer, file.digest))
    return _single(found, left), left


def _asked(batch: Batch, controls: list[Control]) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return the labels that are asked of each text, and the texts, by id."""
    texts = dict(zip(map(str, batch.texts[ID_COLUMN].to_pylist()), batch.texts["text"].to_pylist(), strict=True))
    asked: dict[str, set[str]] = defaultdict(set)
    for id_, label in zip(batch.draws[ID_COLUMN].to_pylist(), batch.draws["label"].to_pylist(), strict=True):
        asked[str(id_)].add(label)
    for control in controls:
        asked[control.tweet_id].add(control.label)
        texts[control.tweet_id] = control.text
    return asked, texts


def _problem(row: Given, asked: dict[str, set[str]], texts: dict[str, str], answer: str | None) -> str:
    if row.tweet_id not in asked:
        return UNKNOWN_ID
    if row.text and text_key(row.text) not in {text_key(form(texts[row.tweet_id])) for form in (str, safe_text)}:
        return OTHER_TEXT
    if row.label not in asked[row.tweet_id]:
        return NOT_ASKED
    return UNKNOWN_WORD if answer is None else ""


def _named(annotator: str, file: AnswerFile) -> str:
    if not annotator:
        raise InputDataError(
            f"{file.path} has answers that name no annotator. Fill in its column `annotator`, or say --annotator NAME."
        )
    return annotator


def _single(found: dict[tuple[str, Key], list[Said]], left: Left) -> Answers:
    """Return what was said once, or several times alike; a blank beside an answer is none."""
    answers: Answers = {}
    for (annotator, key), said in found.items():
        words = {one.answer for one in said} - {"blank"}
        if len(words) > 1:
            left[TWICE].append(f"{key[0]} {key[1]} {annotator}: {sorted(words)}")
        else:
            answers[annotator, key] = next((one for one in said if one.answer in words), said[0])
    return answers


def _told(row: Given, annotator: str) -> str:
    return f"{row.tweet_id} {row.label} {annotator}: {row.word!r}"
