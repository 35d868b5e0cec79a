"""What the MLflow run of a conversion and the registered version of an engine model say."""

from pathlib import Path
from typing import Any

from tasks.core.base.naming import PARITY_FILE
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.model import Round
from tasks.records.tracking import HASH_TAG, KIND_TAG, create_run, ended_by_outcome

COSTS = ("batch_variance", "padding_variance", "texts_per_second_per_core", "peak_memory_mebibytes", "file_mebibytes")

LONGEST_VERDICT = 1_000
"""A verdict has at most so many characters: MLflow refuses tags of more than 5,000, and parity.json has it all."""


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
    """Return a tried variant's figures for a label, flat and named as MLflow takes them."""
    figures = dict(variant["labels"][label])
    overlap = figures.pop("overlap")
    flat = figures | {f"overlap_{key.replace(' %', '_per_cent')}": value for key, value in overlap.items()}
    flat |= {name: variant[name] for name in COSTS}
    return {name: float(value) for name, value in flat.items() if value is not None}


def engine_tags(round_: Round, engine: EngineModel, report: dict[str, Any]) -> dict[str, str]:
    """Return what the registered version says: what serves, its figures, and why each other variant does not."""
    by_name = {variant["variant"]: variant for variant in report["variants"]}
    figures = figures_of(by_name[report["serves"]], engine.label)
    verdicts = {f"verdict.{name}": _verdict(variant, engine.label, report) for name, variant in by_name.items()}
    return (
        round_.tags(engine.label)
        | {
            "kind": "engine",
            "variant": engine.variant.name,
            "seed": str(report["seed"]),
            "gate": report["preset"],
            "gate_weakened": report["gate_weakened"] or "no",
            "config_hash": engine.config_hash,
            "engine_digest": engine.digest,
            "engine_seal": engine.seal,
        }
        | {name: f"{value:.6g}" for name, value in figures.items()}
        | verdicts
    )


def _verdict(variant: dict[str, Any], label: str, report: dict[str, Any]) -> str:
    if not variant["tried"]:
        return f"not tried: {variant['not_tried']}"[:LONGEST_VERDICT]
    if variant["passes"]:
        return "passes, serves" if variant["variant"] == report["serves"] else "passes, slower"
    return ("fails: " + "; ".join(variant["reasons"][label] or ["another label of the model fails"]))[:LONGEST_VERDICT]
