"""Which column holds the ids, the texts and the splits: by its name, else by what stands in it."""

from collections.abc import Sequence

from deployments.beginning.data_columns import Column, DataColumns
from deployments.beginning.question import choose
from tasks.core.base.errors import InputDataError
from tasks.core.base.spelling import nearest
from tasks.core.corpus.labelled.splits import SPLIT_NAMES

ID_NAMES = (
    *("tweet_id", "id_str", "id", "tweetid", "status_id", "post_id", "comment_id", "message_id", "msg_id"),
    *("text_id", "doc_id", "document_id", "row_id", "uid"),
)
TEXT_NAMES = (
    *("text", "full_text", "tweet", "tweet_text", "content", "body", "message", "sentence", "comment", "post"),
    *("document", "txt"),
)
SPLIT_COLUMNS = ("split", "fold", "partition", "subset", "set")
NO_COLUMN = "none"
"""The option says so where there are no ids."""
LONGEST_ID = 64
TEXT_LENGTH = 20
"""A column whose values have so many characters on average may hold texts."""


def require(data: DataColumns, name: str, option: str) -> str:
    """Return a column's name as the file spells it.

    Raises:
        InputDataError: there is no such column.
    """
    found = _by_name(data, (name,))
    if found is None:
        raise InputDataError(
            f"{data.path} has no column '{name}', which {option} names. It has: {', '.join(data.columns)}."
            f"{nearest(name, data.columns)}"
        )
    return found


def text_column(data: DataColumns, said: str | None, option: str, known: Sequence[str] = ()) -> str:
    """Return the column of the texts: the one that was said, is known of other data, or is called or looks like it.

    Raises:
        InputDataError: there is none, or it cannot be told and nobody can be asked.
    """
    if said is not None:
        return require(data, said, option)
    found = _by_name(data, (*known, *TEXT_NAMES))
    if found is not None:
        return found
    long = sorted((one for one in data.columns.values() if _is_text(one)), key=lambda one: -one.mean_length)
    if long and (len(long) == 1 or long[0].mean_length > 2 * long[1].mean_length):
        return long[0].name
    return choose("The column of the texts", [one.name for one in long] or list(data.columns), option)


def id_column(data: DataColumns, said: str | None, text: str, known: Sequence[str] = ()) -> str | None:
    """Return the column of the ids; None where no column looks like it."""
    if said is not None and said.lower() == NO_COLUMN and said not in data.columns:
        return None
    if said is not None:
        return require(data, said, "--id-column")
    found = _by_name(data, (*known, *ID_NAMES))
    if found is not None:
        return found
    alike = [name for name, column in data.columns.items() if name != text and _is_id(column)]
    return choose("The column of the ids", alike, "--id-column") if len(alike) > 1 else next(iter(alike), None)


def sample_id_column(data: DataColumns, said: str | None, text: str, known: Sequence[str] = ()) -> str:
    """Return the column of a sample's ids, which come out beside the scores.

    Raises:
        InputDataError: there is none, or it cannot be told and nobody can be asked.
    """
    if said is not None:
        return require(data, said, "--sample-id-column")
    found = _by_name(data, (*known, *ID_NAMES))
    alike = [name for name, column in data.columns.items() if name != text and _is_id(column)]
    if found is not None or len(alike) == 1:
        return found or alike[0]
    return choose("The column of the sample's ids", alike or list(data.columns), "--sample-id-column")


def split_column(data: DataColumns, said: str | None) -> str | None:
    """Return the column that says train, validation or test; None where there is none."""
    if said is not None:
        return require(data, said, "--split-column")
    found = _by_name(data, SPLIT_COLUMNS)
    if found is None:
        return None
    words = {str(value).strip().lower() for value in data.columns[found].distinct}
    return found if words and words <= SPLIT_NAMES.keys() else None


def _by_name(data: DataColumns, names: Sequence[str]) -> str | None:
    folded = {name.casefold(): name for name in data.columns}
    return next((folded[name.casefold()] for name in names if name.casefold() in folded), None)


def _is_text(column: Column) -> bool:
    spaced = sum(" " in str(value).strip() for value in column.values)
    return column.mean_length >= TEXT_LENGTH and 2 * spaced > len(column.values)


def _is_id(column: Column) -> bool:
    """Say whether a column has another value in each row, of one word or a whole number."""
    if column.rows < 2 or len(column.distinct) < column.rows or column.is_float:
        return False
    return all(
        isinstance(value, int | str) and not isinstance(value, bool) and _is_word(str(value).strip())
        for value in column.distinct
    )


def _is_word(value: str) -> bool:
    return 0 < len(value) <= LONGEST_ID and not any(map(str.isspace, value))
