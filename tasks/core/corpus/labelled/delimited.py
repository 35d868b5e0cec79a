"""Read delimited text with pyarrow, every value as a string, and refuse what it would read as something else."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.columns import resolve_columns
from tasks.core.corpus.compressions import compression_of, uncompressed_name
from tasks.core.corpus.encodings import LOOKED_BYTES, refuse_wide
from tasks.core.corpus.faults import cannot_read, decoder_error
from tasks.core.round.sections import LabelledData

TEXT_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
OTHER_DELIMITERS = (";", "\t", ",", "|")
BLOCK_BYTES = 1 << 26
"""No row of a text file may be longer than this."""
READ_BYTES = 1 << 20
READ = pa_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES)


def data_suffix(path: Path) -> str:
    """Return a file's suffix in lower case, without that of its compression: `.csv` for `a.csv.gz`."""
    return Path(uncompressed_name(path)).suffix.lower()


def text_column_names(path: Path, data: LabelledData) -> list[str]:
    """Return the names that a text file's header gives its columns.

    Raises:
        InputDataError: a file that cannot be read so, or whose fields other characters part.
    """
    delimiter, quoting = _form(path, data)
    with _named(path, delimiter, quoting):
        with pa.input_stream(str(path)) as content:
            refuse_wide(path, content.read(LOOKED_BYTES))
        parse = _parse_options(delimiter, quoting)
        names: list[str] = pa_csv.open_csv(path, read_options=READ, parse_options=parse).schema.names
    _check_delimiter(path, names, delimiter)
    if not quoting and data.quoting is None:
        _refuse_quoted(path, "its header", names)
    return names


def read_text_columns(path: Path, data: LabelledData, wanted: dict[str, str]) -> pa.Table:
    """Read the columns that `wanted` names by role, every value as a string.

    Raises:
        InputDataError: a file that cannot be read so, quotes that are not closed, or a column that is not there.
    """
    names = text_column_names(path, data)
    columns = resolve_columns(path, names, wanted)
    delimiter, quoting = _form(path, data)
    with _named(path, delimiter, quoting):
        strings = pa_csv.ConvertOptions(
            check_utf8=False, strings_can_be_null=False, column_types=dict.fromkeys(names, pa.string())
        )
        parse = _parse_options(delimiter, quoting)
        table = pa_csv.read_csv(path, read_options=READ, parse_options=parse, convert_options=strings)
    if quoting:
        _check_quotes(path, delimiter)
    elif data.quoting is None:
        _refuse_quoted(path, f"'{columns['text']}'", table[columns["text"]].cast(pa.binary()).to_pylist())
    return pa.table({role: table[column] for role, column in columns.items()})


def _form(path: Path, data: LabelledData) -> tuple[str, bool]:
    """Return what parts a file's fields, and whether they may stand in quotes."""
    suffix = data_suffix(path)
    return data.delimiter or TEXT_DELIMITERS[suffix], suffix == ".csv" if data.quoting is None else data.quoting


@contextmanager
def _named(path: Path, delimiter: str, quoting: bool) -> Iterator[None]:
    """Turn what Arrow raises of a text file into an error of ours, which names it and how it was read."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise cannot_read(path, error) from None
        if isinstance(error, OSError) and compression_of(path):
            raise decoder_error(path, error) from None
        raise InputDataError(
            f"{path} cannot be read: {error}. Rows are counted with the header. It was read with the delimiter "
            f"{delimiter!r} and {'double quotes around fields' if quoting else 'no quoting'}; other files may need "
            "labelled_data.delimiter, labelled_data.quoting, or to be written again as UTF-8."
        ) from None


def _parse_options(delimiter: str, quoting: bool) -> pa_csv.ParseOptions:
    try:
        return pa_csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"' if quoting else False,
            double_quote=quoting,
            newlines_in_values=quoting,
        )
    except ValueError:
        raise InputDataError(
            f"labelled_data.delimiter is {delimiter!r}, but must be an ASCII character such as ',', ';' or a tab"
        ) from None


def _check_delimiter(path: Path, names: list[str], delimiter: str) -> None:
    others = [other for other in OTHER_DELIMITERS if other != delimiter and len(names) == 1 and other in names[0]]
    if others:
        raise InputDataError(
            f"the header of {path} is one column, {names[0]!r}, when read with the delimiter {delimiter!r}, but it "
            f"holds {others[0]!r}. Set labelled_data.delimiter to {others[0]!r} in the round file."
        )


def _refuse_quoted(path: Path, what: str, fields: Sequence[str | bytes]) -> None:
    """Refuse a file that is read without quoting, but whose fields all stand in quotes: they would be of the texts."""
    given = [field.encode() if isinstance(field, str) else field for field in fields]
    if given and all(len(field) > 1 and field[:1] == field[-1:] == b'"' for field in given):
        raise InputDataError(
            f"each field of {what} in {path} stands in double quotes, such as {given[0].decode('utf-8', 'replace')}, "
            f"but {data_suffix(path)} files are read without quoting. Set labelled_data.quoting to true in the round "
            "file, or to false if the quotes are of the texts."
        )


def _holds_quotes(path: Path) -> bool:
    with pa.input_stream(str(path)) as content:
        return any(b'"' in block for block in iter(lambda: content.read(READ_BYTES), b""))


def _check_quotes(path: Path, delimiter: str) -> None:
    """Refuse quotes that are not closed where they should be: a field that one opens may have swallowed rows.

    Arrow takes what follows a closing quote for more of the field.
    """
    if not _holds_quotes(path):
        return
    limit = csv.field_size_limit(BLOCK_BYTES)
    with pa.input_stream(str(path)) as content:
        reader = csv.reader(io.TextIOWrapper(content, "latin-1", newline=""), delimiter=delimiter, strict=True)
        try:
            deque(reader, maxlen=0)
        except csv.Error as error:
            raise InputDataError(
                f"{path} has a double quote that is not closed where its field ends, by line {reader.line_num}: "
                f"{error}. The field may hold rows that follow it. Correct the file, or set labelled_data.quoting "
                "to false if quotes mean nothing in it."
            ) from None
        finally:
            csv.field_size_limit(limit)
