"""What the MLflow run of a conversion and the registered version of an engine model say."""

from pathlib import Path
from typing import Any

from tasks.core.base.naming import PARITY_FILE, PARITY_TABLE
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.variants import FP32
from tasks.core.round.model import Round
from tasks.records.tracking import HASH_TAG, KIND_TAG, create_run, ended_by_outcome

SPEED = "texts_per_second_per_core"
COSTS = ("batch_variance", "padding_variance", SPEED, "peak_memory_mebibytes", "file_mebibytes")


def log_engine(round_: Round, label: str, conversion_hash: str, report: dict[str, Any], folder: Path) -> str:
    """Leave a conversion's report on a run of its own, and return its id; `folder` holds text and pictures."""
    tags = round_.tags(label) | {KIND_TAG: "conversion", HASH_TAG: conversion_hash}
    run = create_run(round_.name, f"{label} conversion", tags)
    with ended_by_outcome(run):
        for variant in report["variants"]:
            if variant["tried"]:
                run.log_figures(figures_of(variant, label), prefix=f"{variant['variant']}.")
        run.log_json(PARITY_FILE, report)
        for path in sorted(folder.glob("*")):
            run.log_file(path)
    return run.run_id


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
