"""Section `cost`: what was scored, by which models, and what it took."""

from typing import Any

from tasks.core.base.formats import Content
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.runs.manifest import DUPLICATE_IDS

MILLION = 1_000_000


def gather_cost(files: RoundFiles) -> dict[str, Any]:
    """Return the run's counts and models, and its core-hours: in all, and for a million texts."""
    run = files.run
    counts, timings = run.manifest["counts"], run.manifest["timings"]
    hours, rows = timings["core_hours"], counts["rows_in"]
    each = f"{hours / rows * MILLION:,.3g}" if rows and hours else "too little to tell"
    return {
        "folder": str(run.folder.path),
        "run_id": run.manifest["run_id"],
        "finished": timings["finished_at"],
        "counts": _counts(counts),
        "models": [_model(use, counts) for use in run.manifest["engines"]],
        "spent": _spent(run.manifest, each),
        "glance": {"texts scored": f"{rows:,}", "core-hours a million texts": each},
    }


def _counts(counts: Content) -> dict[str, str]:
    said = {
        "texts in": counts["rows_in"],
        "quarantined: without id or text": counts["rows_quarantined"],
        "texts that stand twice, scored once": counts["duplicate_texts"],
        "empty texts": counts["empty_texts"],
        "cut at the longest length": counts["truncated_texts"],
        "ids that stand twice": counts.get(DUPLICATE_IDS),
    }
    return {what: f"{count:,}" for what, count in said.items() if count is not None}


def _model(use: Content, counts: Content) -> dict[str, str]:
    weakened = f" (gate weakened: {use['gate_weakened']})" if use.get("gate_weakened") else ""
    return {
        "label": use["label"],
        "model": f"{use['registered_model']} version {use['version']}{weakened}",
        "variants (shards)": ", ".join(f"{name} ({shards:,})" for name, shards in use["variants"].items()),
        "texts out": f"{counts['rows_out'][use['label']]:,}",
    }


def _spent(manifest: Content, each: str) -> dict[str, str]:
    timings = manifest["timings"]
    speed = timings["texts_per_worker_second"]
    return {
        "core-hours": f"{timings['core_hours']:,.3f}",
        "core-hours a million texts, all labels": each,
        "texts a second and worker": "not measured" if speed is None else f"{speed:,.1f}",
        "in the models": _share(timings["engine_seconds"], timings["worker_seconds"]),
        "shards": f"{manifest['shards']:,}",
        "processors (shards)": ", ".join(f"{name} ({count:,})" for name, count in manifest["processors"].items()),
    }


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%} of the workers' time" if whole else "not measured"
