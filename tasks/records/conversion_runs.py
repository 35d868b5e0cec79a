"""What the MLflow run of a conversion and the registered version of an engine model say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.core.base.naming import PARITY_FILE, PARITY_TABLE, REPORT_FOLDER, tracking_record
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, read_run_record, write_run_record
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.variants import FP32
from tasks.core.round.model import Round
from tasks.records.live_runs import is_same, milliseconds
from tasks.records.tracking import HASH_TAG, KIND_TAG

SPEED = "texts_per_second_per_core"
COSTS = ("batch_variance", "padding_variance", SPEED, "peak_memory_mebibytes", "file_mebibytes")


def record_engine(round_: Round, engine: EngineModel, conversion_hash: str, report: dict[str, Any], then: str) -> Path:
    """Write what the server is to hear of a conversion beside the engine model, unless it is there; return where.

    `then` is what registers the engine model when the server has heard of it late.
    """
    folder = Path(engine.folder)
    path = tracking_record(folder.parent, engine.label)
    record = replace(_conversion_record(round_, engine, conversion_hash, report), then=then)
    stored = read_run_record(path)
    if stored is None or not is_same(stored, record):
        write_run_record(path, record)
    return path


def _conversion_record(round_: Round, engine: EngineModel, conversion_hash: str, report: dict[str, Any]) -> RunRecord:
    folder, label, found = Path(engine.folder), engine.label, milliseconds()
    identity = {KIND_TAG: "conversion", HASH_TAG: conversion_hash, "label": label}
    drawn = sorted(path.name for path in (folder.parent / REPORT_FOLDER).glob("*"))
    return RunRecord(
        run=RunName(round_.name, f"{label} conversion", identity, round_.tags(label)),
        parent=None,
        status=FINISHED,
        ended_milliseconds=found,
        then="",
        figures=tuple(
            (f"{variant['variant']}.{name}", value, 0, found)
            for variant in report["variants"]
            if variant["tried"]
            for name, value in figures_of(variant, label).items()
        ),
        files=(f"{folder.name}/{PARITY_FILE}", *(f"{REPORT_FOLDER}/{name}" for name in drawn)),
    )


def figures_of(variant: dict[str, Any], label: str) -> dict[str, float]:
    """Return a tried variant's figures for a label, flat and named as MLflow takes them.

    What moves is that of all scored texts where the variant scored them, else that of the parity texts.
    """
    figures = dict(variant["labels"][label])
    shift = dict(variant["scored"].get(label, figures["shift"]))
    del figures["shift"]
    tops = {key.replace(" %", "_per_cent"): top for key, top in shift.pop("tops").items()}
    flat = figures | {f"judged_{name}" if name == "texts" else name: value for name, value in shift.items()}
    flat |= {f"{name}_{key}": value for key, top in tops.items() for name, value in top.items() if name != "size"}
    flat |= {name: variant[name] for name in COSTS}
    return {name: float(value) for name, value in flat.items() if value is not None}


def engine_tags(round_: Round, engine: EngineModel, report: dict[str, Any], run_id: str) -> dict[str, str]:
    """Return what the registered version says on its page: what serves, how fast and how true, and where the rest is.

    `run_id` is the MLflow run of the conversion, which has the whole report.
    """
    by_name = {variant["variant"]: variant for variant in report["variants"]}
    serving = by_name[report["serves"]]
    near = serving["near_limit"].get(engine.label, [])
    return round_.tags(engine.label) | {
        "kind": "engine",
        "variant": engine.variant.name,
        "verdict": "passes" + (f", near the limit: {', '.join(near)}" if near else ""),
        "speed_over_fp32": f"{serving[SPEED] / by_name[FP32.name][SPEED]:.2f}",
        "displacement": f"{_displacement(serving, engine.label):.2g}",
        "report": f"runs:/{run_id}/{PARITY_TABLE}",
        "seed": str(report["seed"]),
        "gate": report["preset"],
        "gate_weakened": report["gate_weakened"] or "no",
        "config_hash": engine.config_hash,
        "engine_digest": engine.digest,
        "engine_seal": engine.seal,
    }


def _displacement(variant: dict[str, Any], label: str) -> float:
    """Return the largest of every best k."""
    shift = variant["scored"].get(label, variant["labels"][label]["shift"])
    return float(max(top["displacement"] for top in shift["tops"].values()))
