"""The manifest: what ran, and the proof that every row is accounted for. Written last."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from tasks.core.base.errors import RunFolderError, TornRecordError
from tasks.core.base.files import write_text
from tasks.core.base.formats import Content, FileFormat, read_record, write_record
from tasks.core.runs.balance import Tally
from tasks.core.runs.duplicate_ids import count_duplicate_ids
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest_summary import summarise
from tasks.core.runs.plan import Plan
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.runs.shards.planned_rows import require_planned
from tasks.core.runs.shards.receipts import read_receipts
from tasks.core.runs.shards.wholeness import is_whole, resume, shard_faults

LIBRARIES = ("winnow", "pyarrow")
DUPLICATE_IDS = "duplicate_ids"
"""This count says how many rows have an id that an earlier row of the run has; None where they were not counted."""
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class UsedEngine(EngineUse):
    """The engine model that scored a label, and by which variants."""

    variants: dict[str, int]
    """Each variant scored so many shards, by name."""


@dataclass(frozen=True)
class Counts:
    """The sums over a run's shards."""

    rows_in: int
    rows_out: dict[str, int]
    rows_quarantined: int
    duplicate_texts: int
    empty_texts: int
    truncated_texts: int
    histograms: dict[str, list[int]]
    duplicate_ids: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says."""

    run_id: str
    engines: list[UsedEngine]
    settings: dict[str, Any]
    shards: int
    counts: Counts
    processors: dict[str, int]
    timings: dict[str, Any]
    libraries: dict[str, str]
    screening: dict[str, Any] | None = None
    """What was promised and what the audit found, what each stage took and what it saved; None without screening."""

    def __post_init__(self) -> None:
        """Refuse counts of other labels than those that were scored."""
        if self.counts.rows_out.keys() != {use.label for use in self.engines}:
            raise ValueError(f"it counts rows of the labels {sorted(self.counts.rows_out)}, its engines have others")


def _with_scoring_version(content: Content) -> Content:
    """Migrate from format 1: it noted no times of change and no seals, and scored as the first scoring version."""
    engines = [use | {"seal": "", "gate_weakened": ""} for use in content["engines"]]
    return content | {"engines": engines, "settings": content["settings"] | {"changed_ns": {}, "scoring_version": 1}}


MANIFEST = FileFormat(
    kind="manifest",
    number=2,
    schema=Manifest,
    remedy="Look at the folder with the version that made it",
    unnumbered=1,
    migrations={1: _with_scoring_version},
    check=TypeAdapter(Manifest).validate_python,
)


@dataclass(frozen=True)
class Launch:
    """What one launch of the run scored; the others' shards it found finished."""

    rows_scored: int
    seconds: float
    """The launch took so long by the clock, the start of the workers included."""


def write_manifest(
    plan: Plan, folder: RunFolder, launch: Launch, screening: Callable[[Tally], Content] | None = None
) -> Content:
    """Balance the run, write summary and manifest, and return the manifest; a finished run's manifest is left as it is.

    `screening` says, of the sums over all shards, what came of a screening.

    Files that changed after that manifest was written are read and compared with their checksums; the others were so
    when it was written.

    Raises:
        RunFolderError: the sample is not the planned one, shards are unfinished, files were altered, or rows in and
            rows out do not balance.
    """
    for shard in {shard.file: shard for shard in plan.shards}.values():
        require_planned(plan, shard)
    standing = read_manifest(plan, folder)
    if standing is not None:
        counts = _add_up(plan, folder, since_ns=folder.manifest_path.stat().st_mtime_ns).counts()
        if {key: count for key, count in standing["counts"].items() if key != DUPLICATE_IDS} == counts:
            return standing
    tally = _add_up(plan, folder, since_ns=0)
    counts = tally.counts() | {DUPLICATE_IDS: count_duplicate_ids(plan, folder, tally.quarantines)}
    manifest = _describe(tally, counts, launch) | {"screening": screening(tally) if screening else None}
    write_text(folder.summary_path, summarise(manifest))
    write_record(folder.manifest_path, MANIFEST, manifest)
    return manifest


def read_manifest(plan: Plan, folder: RunFolder) -> Content | None:
    """Return the run's manifest; None when there is none that can be read, or it is of another run.

    Raises:
        FormatError: it is of a format that this version does not read.
    """
    try:
        manifest = read_record(folder.manifest_path, MANIFEST)
    except (FileNotFoundError, TornRecordError):
        return None
    return manifest if manifest["run_id"] == plan.run_id else None


def _add_up(plan: Plan, folder: RunFolder, since_ns: int) -> Tally:
    """Read every receipt once; files that changed at `since_ns` or later are compared with their checksums."""
    tally, unfinished, altered = Tally(plan, folder), [], []
    resumed = resume(plan)
    look = replace(resumed, bytes_since_ns=since_ns)
    for shard, receipt in read_receipts(plan, folder):
        faults = list(shard_faults(plan, folder, shard, receipt, look))
        if receipt is not None and not faults:
            tally.add(receipt)
        elif is_whole(plan, folder, shard, receipt, resumed):
            altered += [fault.path for fault in faults]
        else:
            unfinished.append(shard.number)
    if unfinished:
        raise RunFolderError(
            f"{len(unfinished)} of {len(plan.shards)} shards of {folder.path} are unfinished "
            f"(first: {unfinished[:SHOWN]}). "
            "Run the inference flow again with the same parameters: it goes on where it stopped."
        )
    if altered:
        raise RunFolderError(
            f"{len(altered)} files of {folder.path} are not what their shards wrote: {altered[:SHOWN]}. Delete "
            "them and run the inference flow again."
        )
    return tally


def _describe(tally: Tally, counts: Content, launch: Launch) -> Content:
    plan, spent = tally.plan, tally.spent
    where = ("sample_name", "sample_root", "torn_files", "passed_over", "round_name")
    inputs = asdict(plan.inputs)
    engines = inputs.pop("engines")
    return {
        "run_id": plan.run_id,
        "engines": [use | {"variants": dict(tally.variants.get(use["label"], {}))} for use in engines],
        "settings": {name: getattr(plan, name) for name in where} | inputs,
        "shards": len(plan.shards),
        "counts": counts,
        "processors": dict(tally.processors),
        "timings": {
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "worker_seconds": round(spent["seconds"], 1),
            "cpu_seconds": round(spent["cpu_seconds"], 1),
            "engine_seconds": round(spent["engine_seconds"], 1),
            "core_hours": round(spent["core_seconds"] / 3600, 3),
            "stage_core_seconds": {name: round(spent, 3) for name, spent in tally.stage_seconds.items()},
            "stage_rows": dict(tally.stage_rows),
            "texts_per_worker_second": round(plan.rows / spent["seconds"], 1) if spent["seconds"] else None,
            "last_launch": asdict(launch),
            "texts_per_second": round(launch.rows_scored / launch.seconds, 1) if launch.seconds else None,
        },
        "libraries": {name: version(name) for name in LIBRARIES} | plan.inputs.libraries,
    }
