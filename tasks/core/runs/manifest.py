"""The manifest: what ran, and the proof that every row is accounted for. Written last."""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import write_json, write_text
from tasks.core.runs.audit.duplicate_ids import count_duplicate_ids
from tasks.core.runs.balance import balance, require_unaltered
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.open_run import read_manifest
from tasks.core.runs.plan import Plan
from tasks.core.runs.planned_rows import require_planned
from tasks.core.runs.receipts import Receipt, finished_receipts, unfinished_shards

LIBRARIES = ("winnow", "pyarrow")
DUPLICATE_IDS = "duplicate_ids"
"""Of the counts: rows whose id an earlier row of the run has."""


@dataclass(frozen=True)
class Launch:
    """What one launch of the run scored; the others' shards it found finished."""

    rows_scored: int
    seconds: float
    """Wall time, the start of the workers included."""


def write_manifest(plan: Plan, folder: RunFolder, launch: Launch) -> dict[str, Any]:
    """Balance the run, write summary and manifest, and return the manifest; a finished run's manifest is left as it is.

    Files that changed after that manifest was written are read and compared with their checksums; the others were so
    when it was written.

    Raises:
        RunFolderError: the sample is not the planned one, shards are unfinished, files were altered, or rows in and
            rows out do not balance.
    """
    for shard in {shard.file: shard for shard in plan.shards}.values():
        require_planned(plan, shard)
    receipts = _all_receipts(plan, folder)
    standing = read_manifest(plan, folder)
    if standing is not None:
        require_unaltered(folder, receipts, since_ns=folder.manifest_path.stat().st_mtime_ns)
        if _counted(standing) == balance(plan, folder, receipts):
            return standing
    require_unaltered(folder, receipts)
    counts = balance(plan, folder, receipts) | {DUPLICATE_IDS: count_duplicate_ids(plan, folder, receipts)}
    manifest = _describe(plan, receipts, counts, launch)
    write_text(folder.summary_path, _summary(manifest))
    write_json(folder.manifest_path, manifest)
    return manifest


def _all_receipts(plan: Plan, folder: RunFolder) -> list[Receipt]:
    receipts = finished_receipts(plan, folder)
    unfinished = unfinished_shards(plan, receipts)
    if unfinished:
        raise RunFolderError(
            f"{len(unfinished)} of {len(plan.shards)} shards of {folder.path} are unfinished "
            f"(first: {unfinished[:10]}). "
            "Run the inference flow again with the same parameters: it goes on where it stopped."
        )
    return receipts


def _counted(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest's counts as `balance` gives them; duplicate ids take long, and follow from the parts."""
    return {key: count for key, count in manifest["counts"].items() if key != DUPLICATE_IDS}


def _describe(plan: Plan, receipts: list[Receipt], counts: dict[str, Any], launch: Launch) -> dict[str, Any]:
    settings = {key: value for key, value in asdict(plan).items() if key not in ("shards", "engines", "run_id")}
    worker_seconds = sum(receipt.seconds for receipt in receipts)
    return {
        "run_id": plan.run_id,
        "engines": [asdict(use) | {"variants": _variants(receipts, use.label)} for use in plan.engines],
        "settings": settings,
        "shards": len(plan.shards),
        "counts": counts,
        "processors": dict(Counter(receipt.processor for receipt in receipts)),
        "timings": {
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "worker_seconds": round(worker_seconds, 1),
            "cpu_seconds": round(sum(receipt.cpu_seconds for receipt in receipts), 1),
            "engine_seconds": round(sum(receipt.engine_seconds for receipt in receipts), 1),
            "core_hours": round(sum(receipt.seconds * receipt.threads for receipt in receipts) / 3600, 3),
            "texts_per_worker_second": round(plan.rows / worker_seconds, 1) if worker_seconds else None,
            "last_launch": asdict(launch),
            "texts_per_second": round(launch.rows_scored / launch.seconds, 1) if launch.seconds else None,
        },
        "libraries": {name: version(name) for name in LIBRARIES} | plan.libraries,
    }


def _variants(receipts: list[Receipt], label: str) -> dict[str, int]:
    """Count the shards that each engine variant scored; more than one when some workers fell back to fp32."""
    return dict(Counter(receipt.variants[label] for receipt in receipts))


def _summary(manifest: dict[str, Any]) -> str:
    counts = manifest["counts"]
    lines = [
        f"# Run {manifest['run_id']}",
        "",
        f"{counts['rows_in']} rows in {manifest['shards']} shards, {counts['rows_quarantined']} quarantined.",
        *_duplicates(counts[DUPLICATE_IDS]),
        "",
        "| label | model | variants (shards) | rows out |",
        "|---|---|---|---|",
    ]
    for use in manifest["engines"]:
        model = f"{use['registered_model']} version {use['version']}"
        variants = ", ".join(f"{name} ({shards})" for name, shards in use["variants"].items())
        lines.append(f"| {use['label']} | {model} | {variants} | {counts['rows_out'][use['label']]} |")
    return "\n".join(lines) + "\n"


def _duplicates(rows: int) -> list[str]:
    if not rows:
        return []
    return ["", f"{rows} rows have an id that an earlier row has; each was kept, and is in the output or quarantine."]
