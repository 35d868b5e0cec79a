"""The manifest: what ran, and the proof that every row is accounted for. Written last."""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import pyarrow.parquet as pq

from tasks.core.errors import RunFolderError
from tasks.core.files import read_json, sha256_of_file, write_json, write_text
from tasks.core.inference.input import require_planned
from tasks.core.inference.plan import Plan
from tasks.core.inference.receipts import Receipt, finished_receipts, unfinished_shards
from tasks.core.inference.run_folder import RunFolder

LIBRARIES = ("winnow", "pyarrow")


@dataclass(frozen=True)
class Launch:
    """What one launch of the run scored; the others' shards it found finished."""

    rows_scored: int
    seconds: float
    """Wall time, the start of the workers included."""


def write_manifest(plan: Plan, folder: RunFolder, launch: Launch) -> dict[str, Any]:
    """Balance the run, write summary and manifest, and return the manifest; a finished run's manifest is left as it is.

    Raises:
        RunFolderError: the sample is not the planned one, shards are unfinished, files were altered, or rows in and
            rows out do not balance.
    """
    for shard in {shard.file: shard for shard in plan.shards}.values():
        require_planned(plan, shard)
    receipts = finished_receipts(plan, folder)
    unfinished = unfinished_shards(plan, receipts)
    if unfinished:
        raise RunFolderError(
            f"{len(unfinished)} of {len(plan.shards)} shards of {folder.path} are unfinished "
            f"(first: {unfinished[:10]}). "
            "Run the inference flow again with the same parameters: it goes on where it stopped."
        )
    counts = balance(plan, folder, receipts)
    if folder.manifest_path.is_file():
        manifest: dict[str, Any] = read_json(folder.manifest_path)
        if manifest["counts"] == counts:
            return manifest
    _verify_checksums(folder, receipts)
    manifest = _describe(plan, receipts, counts, launch)
    write_text(folder.summary_path, _summary(manifest))
    write_json(folder.manifest_path, manifest)
    return manifest


def _verify_checksums(folder: RunFolder, receipts: list[Receipt]) -> None:
    expected = {name: sha256 for receipt in receipts for name, sha256 in receipt.sha256.items()}
    altered = [name for name, sha256 in expected.items() if sha256_of_file(folder.path / name) != sha256]
    if altered:
        raise RunFolderError(
            f"{len(altered)} files of {folder.path} are not what their shards wrote: {altered[:5]}. Delete them and "
            "run the inference flow again."
        )


def balance(plan: Plan, folder: RunFolder, receipts: list[Receipt]) -> dict[str, Any]:
    """Count rows in, rows out of each label as the Parquet footers have them, and rows quarantined.

    Raises:
        RunFolderError: for a label, rows out and rows quarantined do not add up to rows in.
    """
    rows_in = plan.rows
    quarantined = sum(receipt.rows_quarantined for receipt in receipts)
    rows_out = {
        use.label: sum(pq.read_metadata(folder.output_path(use.label, shard.number)).num_rows for shard in plan.shards)
        for use in plan.engines
    }
    for label, rows in rows_out.items():
        if rows + quarantined != rows_in:
            raise RunFolderError(
                f"label '{label}' of {folder.path} does not balance: {rows_in} rows in, but {rows} scored and "
                f"{quarantined} quarantined. Delete the label's output and run the inference flow again."
            )
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rows_quarantined": quarantined,
        "duplicate_texts": sum(receipt.duplicate_texts for receipt in receipts),
        "empty_texts": sum(receipt.empty_texts for receipt in receipts),
        "truncated_texts": sum(receipt.truncated_texts for receipt in receipts),
        "histograms": {
            use.label: [
                sum(bins) for bins in zip(*(receipt.histograms[use.label] for receipt in receipts), strict=True)
            ]
            for use in plan.engines
        },
    }


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
        "",
        "| label | model | variants (shards) | rows out |",
        "|---|---|---|---|",
    ]
    for use in manifest["engines"]:
        model = f"{use['registered_model']} version {use['version']}"
        variants = ", ".join(f"{name} ({shards})" for name, shards in use["variants"].items())
        lines.append(f"| {use['label']} | {model} | {variants} | {counts['rows_out'][use['label']]} |")
    return "\n".join(lines) + "\n"
