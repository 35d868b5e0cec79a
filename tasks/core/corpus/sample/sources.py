"""Find a sample's files: one file, a folder or a glob, all Parquet, all CSV or all JSON Lines."""

import glob
from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.naming.file_names import CONVERTED_FOLDER
from tasks.core.base.parquet import PARQUET_SUFFIXES
from tasks.core.corpus.compressions import COMPRESSIONS, uncompressed_name
from tasks.core.corpus.faults import cannot_read
from tasks.core.corpus.sample.file_search import Search, require_utf8
from tasks.core.round.sections import Sample

PARQUET, CSV, JSON_LINES = "Parquet", "CSV", "JSON Lines"
SUFFIXES = {PARQUET: PARQUET_SUFFIXES, CSV: (".csv",), JSON_LINES: (".jsonl", ".ndjson", ".json")}
SHOWN_FILES = 3


@dataclass(frozen=True)
class SampleSources:
    """The files of a sample as they were found."""

    kind: str
    """All files are of this kind: `Parquet`, `CSV` or `JSON Lines`."""
    root: Path
    """The files' names count from this folder: of a glob, the part before its first wildcard."""
    paths: tuple[Path, ...]
    passed_over: dict[str, str]
    """Files and folders that are not read say why, by path; not the folder that Winnow itself converts into."""


def find_sources(sample: Sample) -> SampleSources:
    """Find a sample's files, in the order of their names.

    Raises:
        UnreadableFileError: a folder or a file that this machine or user cannot read.
        InputDataError: nothing there, a kind that is not known, several kinds, a file beside its compressed copy, or
            one that two paths lead to.
    """
    require_utf8(sample.path)
    try:
        if sample.path.is_file():
            return SampleSources(kind_of(sample.path) or PARQUET, sample.path.parent, (sample.path,), {})
        root, found = _search(sample.path)
    except OSError as error:
        raise cannot_read(sample.path, error) from None
    paths = sorted(set(found.files))
    if not paths:
        raise InputDataError(_nothing_found(sample.path, found.passed_over))
    _check_known(sample.path, paths)
    _check_copies(sample.path, paths)
    kind = _one_kind(sample.path, paths)
    own = str(root / CONVERTED_FOLDER) if kind != PARQUET and sample.converted_path is None else None
    passed_over = {path: reason for path, reason in sorted(found.passed_over.items()) if path != own}
    return SampleSources(kind, root, tuple(paths), passed_over)


def kind_of(path: Path) -> str | None:
    """Return the kind of file that a name stands for, None when it is not known."""
    name = uncompressed_name(path).lower()
    for kind, suffixes in SUFFIXES.items():
        if name.endswith(suffixes) and (kind != PARQUET or name == path.name.lower()):
            return kind
    return None


def _search(path: Path) -> tuple[Path, Search]:
    is_folder = path.is_dir()
    if not is_folder and not glob.has_magic(str(path)):
        raise InputDataError(f"there is no sample at {path}; correct samples in the round file")
    root = path if is_folder else Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
    found = Search()
    if root.is_dir():
        found.match(root, path.relative_to(root).parts)
    return root, found


def _nothing_found(path: Path, passed_over: dict[str, str]) -> str:
    shown = "; ".join(f"{name} ({reason})" for name, reason in list(passed_over.items())[:SHOWN_FILES])
    passed = f". Passed over are {len(passed_over)}: {shown}" if passed_over else ""
    if path.is_dir():
        return f"the sample {path} holds no .parquet file, nor one of {_allowed()}{passed}"
    return (
        f"no file matches {path}; correct samples in the round file. `*` stands for any part of one name, `**` for "
        f"folders of any depth{passed}"
    )


def _check_known(sample: Path, paths: list[Path]) -> None:
    foreign = [str(path) for path in paths if kind_of(path) is None]
    if foreign:
        raise InputDataError(
            f"the sample {sample} holds {len(foreign)} files of kinds that are not known: {foreign[:SHOWN_FILES]}. "
            f"Move them away, so that no text is left out unseen; allowed are {_allowed()} and names led by _ or ."
        )


def _check_copies(sample: Path, paths: list[Path]) -> None:
    names = Counter(path.with_name(uncompressed_name(path)) for path in paths)
    twice = [str(name) for name, count in names.items() if count > 1]
    if twice:
        raise InputDataError(
            f"the sample {sample} holds {len(twice)} files more than once, compressed and not: {twice[:SHOWN_FILES]}. "
            "Its rows would be scored twice; move one of each away."
        )


def _one_kind(sample: Path, paths: list[Path]) -> str:
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(str(kind_of(path)), []).append(str(path))
    if len(kinds) > 1:
        found = "; ".join(f"{len(files)} {kind}, such as {files[0]}" for kind, files in kinds.items())
        raise InputDataError(
            f"the sample {sample} holds files of several kinds: {found}. Move one kind away, or name the files by a "
            "glob such as folder/*.csv"
        )
    return next(iter(kinds))


def _allowed() -> str:
    text = ", ".join((*SUFFIXES[CSV], *SUFFIXES[JSON_LINES]))
    return f"{', '.join(SUFFIXES[PARQUET])}, {text}, of the text formats also with {' or '.join(COMPRESSIONS)} behind"
