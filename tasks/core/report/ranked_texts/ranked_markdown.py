"""The best texts of a run in Markdown, a table a label: no text of a user makes a link, a cell or any other markup."""

import string
from collections.abc import Sequence

from tasks.core.base.markdown import markdown_table
from tasks.core.base.printable import on_one_line
from tasks.core.publishing.published_scores import spell_score
from tasks.core.ranking.ranked import RANK
from tasks.core.ranking.row_texts import TEXT
from tasks.core.report.ranked_texts.best_of_label import BestOfLabel
from tasks.core.runs.parts import SCORE_COLUMN

SHOWN_CHARACTERS = 85
"""The tables of Prefect's UI do not wrap; at 1,400 pixels so much of a text is seen."""
MARKUP = str.maketrans({mark: f"\\{mark}" for mark in string.punctuation if mark not in "'\",;:!?-|"})
"""A mark behind a backslash is never markup, and an address with backslashes in it is no link; the table sees to bars.
Prefect's UI would show `&#60;` as it is written."""


def ranked_markdown(labels: Sequence[BestOfLabel]) -> str:
    """Return a heading, a sentence and a table a label; texts are cut."""
    return "\n\n".join(_of_label(best) for best in labels)


def plain_markdown(text: str, characters: int = SHOWN_CHARACTERS) -> str:
    """Return a text on one line, cut, so that Markdown shows it as it is written."""
    shown = on_one_line(text[:characters])
    return shown.translate(MARKUP) + ("…" if len(text) > characters else "")


def _of_label(best: BestOfLabel) -> str:
    rows = [
        {RANK: one.rank, SCORE_COLUMN: spell_score(one.score), TEXT: plain_markdown(one.text)} for one in best.texts
    ]
    table = markdown_table(rows) if rows else "No text has a score."
    return f"### {best.label}\n\n{plain_markdown(best.note, len(best.note))}.\n\n{table}"
