"""Search a sample's files below a folder or by a glob: each is found, refused, or passed over with its reason.

Links are followed. What two paths lead to, by hard links too, is refused, since its rows would be scored twice.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.faults import UnreadableFileError, cannot_read

CHECKSUMS = (".crc", ".md5", ".sha1", ".sha256", ".sha512")
ANY_FOLDERS = "**"


@dataclass(frozen=True)
class Place:
    """A folder on the way of a search."""

    path: Path
    real: str
    """The folder is here once all links are followed."""
    above: frozenset[str] = frozenset()
    """The search came through these folders, as they are once all links are followed."""


@dataclass
class Search:
    """What a search has found so far."""

    files: list[Path] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    """Files and folders that are not read say why, by path."""
    _ways: dict[str, Path] = field(default_factory=dict)
    """Each real folder or file, and each inode with several names, was first reached by this path."""

    def match(self, root: Path, parts: tuple[str, ...]) -> None:
        """Find the files whose path below `root` matches the parts of a pattern; all below it where there are none.

        Raises:
            UnreadableFileError: a folder that cannot be listed, or a link to nothing.
            InputDataError: a file or folder that two paths lead to, one that is no file, or a name that is not UTF-8.
        """
        real = os.path.realpath(root)
        self._match(Place(root, real, frozenset({real})), parts or (ANY_FOLDERS,))

    def _match(self, place: Place, parts: tuple[str, ...]) -> None:
        part, rest = (parts[0], parts[1:]) if parts else (ANY_FOLDERS, ())
        if part == ANY_FOLDERS and rest:
            self._match(place, rest)
        for entry in _list(place.path):
            if part != ANY_FOLDERS and not fnmatchcase(entry.name, part):
                continue
            is_folder = entry.is_dir()
            if part == ANY_FOLDERS and rest and not is_folder:
                continue
            if reason := reason_to_pass_over(entry.name):
                self._pass_over(entry, reason)
            elif is_folder:
                self._enter(place, entry, parts if part == ANY_FOLDERS else rest)
            elif not rest:
                self._take(place, entry)

    def _enter(self, place: Place, entry: "os.DirEntry[str]", parts: tuple[str, ...]) -> None:
        real = _real(place, entry)
        if real in place.above:
            self._pass_over(entry, f"a link back to {real}, which holds it")
            return
        self._require_one_way(real, Path(entry.path))
        self._match(Place(Path(entry.path), real, place.above | {real}), parts)

    def _take(self, place: Place, entry: "os.DirEntry[str]") -> None:
        path = Path(entry.path)
        require_utf8(path)
        found = _state_of_file(entry)
        self._require_one_way(_real(place, entry), path)
        if found.st_nlink > 1:
            self._require_one_way(f"inode {found.st_ino} of device {found.st_dev}", path)
        self.files.append(path)

    def _require_one_way(self, real: str, path: Path) -> None:
        first = self._ways.setdefault(real, path)
        if first != path:
            raise InputDataError(
                f"{path} and {first} are one and the same, by a link: its rows would be scored twice. Remove the link, "
                "or name the files by a glob that leaves one of them out."
            )

    def _pass_over(self, entry: "os.DirEntry[str]", reason: str) -> None:
        self.passed_over[os.fsencode(entry.path).decode("utf-8", "backslashreplace")] = reason


def reason_to_pass_over(name: str) -> str | None:
    """Say why a file or folder of this name is no data, None where it is: by Spark's rule, and for checksums.

    Spark reads `_day=2020-01-01`, a partition, but nothing else that begins so: `_SUCCESS`, `_temporary`.
    """
    if name.startswith("."):
        return "hidden: its name begins with a dot"
    if name.startswith("_") and "=" not in name:
        return "left by another program: its name begins with _"
    return "a checksum" if name.lower().endswith(CHECKSUMS) else None


def _state_of_file(entry: "os.DirEntry[str]") -> os.stat_result:
    path = Path(entry.path)
    try:
        found = entry.stat()
    except OSError as error:
        raise cannot_read(path, error) from None
    if stat.S_ISREG(found.st_mode):
        return found
    raise InputDataError(f"{path} is no file but a pipe, a socket or a device. Move it away from the sample.")


def _list(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UnreadableFileError(
            f"{folder} cannot be listed: {error}. Its files would be left out unseen: have its permissions or its disk "
            "corrected, or move it away from the sample."
        ) from None


def _real(place: Place, entry: "os.DirEntry[str]") -> str:
    return os.path.realpath(entry.path) if entry.is_symlink() else str(Path(place.real, entry.name))


def require_utf8(path: Path) -> None:
    """Raise InputDataError when a path is not UTF-8, as plans, logs and manifests are."""
    name = os.fsencode(path)
    try:
        name.decode()
    except UnicodeDecodeError:
        shown = name.decode("utf-8", "backslashreplace")
        raise InputDataError(
            f"the name {shown} is not UTF-8, so no plan can hold it. Rename it, such as with: "
            "convmv -f latin1 -t utf8 -r --notest FOLDER"
        ) from None
