"""What the MLflow run of a conversion holds."""

from typing import Any

from tasks.core.round import Round
from tasks.tracking import HASH_TAG, KIND_TAG, create_run, ended_by_outcome


def log_engine(round_: Round, label: str, conversion_hash: str, parity: dict[str, Any]) -> str:
    """Leave a conversion's parity figures on a run of their own, and return its id."""
    tags = round_.tags(label) | {KIND_TAG: "conversion", HASH_TAG: conversion_hash}
    run = create_run(round_.name, f"{label} conversion", tags)
    with ended_by_outcome(run):
        for variant in parity["variants"]:
            figures = {name: value for name, value in variant.items() if name != "variant"}
            run.log_figures(figures, prefix=f"{variant['variant']}_")
    return run.run_id
