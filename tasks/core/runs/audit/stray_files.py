"""Files of a run folder that neither its plan nor a receipt names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.files import read_json
from tasks.core.base.naming.run_names import OUTPUT_FOLDER, QUARANTINE_FOLDER, RECEIPTS_FOLDER, parse_shard
from tasks.core.base.parquet import UnreadableParquetError, read_footer
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.shards.findings import Finding

KEPT_FOLDERS = (OUTPUT_FOLDER, QUARANTINE_FOLDER, RECEIPTS_FOLDER)
MOVE = "Move it away: whoever reads the folder whole would read it too"


@dataclass(frozen=True)
class Expected:
    """What the plan and the receipts name."""

    plan: Plan
    folder: RunFolder
    unquarantined: set[int]
    """The receipts of these shards name no quarantine file."""

    def place(self, label: object, number: object) -> Path | None:
        """Return where a shard's part of a label lies, or None when the plan has no such label or shard."""
        known = any(use.label == label for use in self.plan.engines) and self.has_shard(number)
        return self.folder.output_path(str(label), int(str(number))) if known else None

    def has_shard(self, number: object) -> bool:
        """Say whether the plan has a shard of that number."""
        return isinstance(number, int) and 0 <= number < len(self.plan.shards)

    def names(self, path: Path) -> bool:
        """Say whether a file is one that the plan or a receipt names."""
        number = parse_shard(path.name)
        if number is None or not self.has_shard(number):
            return False
        if path == self.folder.quarantine_path(number):
            return number not in self.unquarantined
        return path in (self.folder.receipt_path(number), self.place(path.parent.name, number))


def stray_files(expected: Expected) -> Iterator[Finding]:
    """Find what lies in the run folder unnamed: foreign and doubled files, and temporary ones of killed workers."""
    root = expected.folder.path
    for path in _walk(root):
        name = path.relative_to(root)
        if any(part.startswith(".") and part.endswith(".tmp") for part in name.parts):
            advice = "Delete it once no launch works on the folder"
            yield Finding("left-over", name.as_posix(), "a temporary file that a killed process left", advice)
        elif name.parts[0] in KEPT_FOLDERS and not expected.names(path):
            yield _describe(path, name, expected)


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _describe(path: Path, name: Path, expected: Expected) -> Finding:
    place = _own_place(path, name.parts[0], expected)
    if place is None:
        problem = _foreign(name, expected)
        return Finding("foreign", name.as_posix(), problem, MOVE)
    where = place.relative_to(expected.folder.path).as_posix()
    if place.is_file():
        return Finding("doubled", name.as_posix(), f"it says the same as {where} once more", MOVE)
    return Finding("foreign", name.as_posix(), f"its place is {where}, where nothing lies", f"Rename it to {where}")


def _own_place(path: Path, kept: str, expected: Expected) -> Path | None:
    """Return where this run has what the file says it holds, or None when it is not of this run."""
    try:
        content = read_json(path) if kept == RECEIPTS_FOLDER else read_footer(path)[1]
    except (OSError, ValueError, UnreadableParquetError):
        return None
    if not isinstance(content, dict) or content.get("run_id") != expected.plan.run_id:
        return None
    number = content.get("shard")
    if kept == RECEIPTS_FOLDER:
        return expected.folder.receipt_path(int(str(number))) if expected.has_shard(number) else None
    return expected.place(content.get("label"), number)


def _foreign(name: Path, expected: Expected) -> str:
    labels = [use.label for use in expected.plan.engines]
    if name.parts[0] == OUTPUT_FOLDER and len(name.parts) == 3 and name.parts[1] not in labels:
        return f"the plan has no label '{name.parts[1]}', only {', '.join(labels)}"
    if name.parts[0] == QUARANTINE_FOLDER:
        return "no shard of the plan has it, or its shard's receipt says that no row was quarantined"
    return "neither the plan nor a receipt names it"
