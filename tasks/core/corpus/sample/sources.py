"""Find a sample's files: one file, a folder or a glob, all Parquet, all CSV or all JSON Lines."""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.compressions import COMPRESSIONS, uncompressed_name
from tasks.core.round.sections import Sample

PARQUET, CSV, JSON_LINES = "Parquet", "CSV", "JSON Lines"
SUFFIXES = {PARQUET: (".parquet", ".pq"), CSV: (".csv",), JSON_LINES: (".jsonl", ".ndjson", ".json")}
IGNORED_PREFIXES = (".", "_")
"""Other programs leave files and folders that begin so beside data: `_SUCCESS`, `_temporary`, `.ipynb_checkpoints`."""
SHOWN_FILES = 3


@dataclass(frozen=True)
class SampleSources:
    """The files of a sample as they were found."""

    kind: str
    """All files are of this kind: `Parquet`, `CSV` or `JSON Lines`."""
    root: Path
    """The files' names count from this folder: of a glob, the part before its first wildcard."""
    paths: tuple[Path, ...]


def find_sources(sample: Sample) -> SampleSources:
    """Find a sample's files, in the order of their names.

    Raises:
        InputDataError: nothing there, a kind that is not known, several kinds, or a file beside its compressed copy.
    """
    if sample.path.is_file():
        return SampleSources(kind_of(sample.path) or PARQUET, sample.path.parent, (sample.path,))
    root, paths = _search(sample.path)
    if not paths:
        raise InputDataError(f"the sample {sample.path} holds no .parquet file, nor one of {_allowed()}")
    _check_known(sample.path, paths)
    _check_copies(sample.path, paths)
    return SampleSources(_one_kind(sample.path, paths), root, tuple(paths))


def kind_of(path: Path) -> str | None:
    """Return the kind of file that a name stands for, None when it is not known."""
    name = uncompressed_name(path).lower()
    for kind, suffixes in SUFFIXES.items():
        if name.endswith(suffixes) and (kind != PARQUET or name == path.name.lower()):
            return kind
    return None


def _search(path: Path) -> tuple[Path, list[Path]]:
    if path.is_dir():
        return path, sorted(_walk(path))
    if not glob.has_magic(str(path)):
        raise InputDataError(f"there is no sample at {path}; correct samples in the round file")
    root = Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - patterns are absolute
    found = [match for match in found if not _is_ignored(match.relative_to(root))]
    if not found:
        raise InputDataError(
            f"no file matches {path}; correct samples in the round file. `*` stands for any part of one name, `**` for "
            "folders of any depth"
        )
    return root, sorted({file for match in found for file in (_walk(match) if match.is_dir() else (match,))})


def _is_ignored(name: Path) -> bool:
    return any(part.startswith(IGNORED_PREFIXES) for part in name.parts)


def _walk(root: Path) -> Iterator[Path]:
    """Find every file, also behind links, but none that is hidden or that another program left beside the data."""
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(IGNORED_PREFIXES)]
        yield from (Path(folder, name) for name in names if not name.startswith(IGNORED_PREFIXES))


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
