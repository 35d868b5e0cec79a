"""Other seeds beside the selected one: how much retraining moves the ranking, and which seed is best as shipped."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.conversion.engine_process import EngineProcess
from tasks.core.conversion.export import export_onnx, load_checkpoint
from tasks.core.conversion.figures import LabelFigures
from tasks.core.conversion.ladder import build_like
from tasks.core.conversion.request import Rival
from tasks.core.conversion.trials import Trial, compare
from tasks.core.conversion.workbench import Workbench
from tasks.core.inference.variants import FP32


def bench_of(rival: Rival, bench: Workbench) -> Workbench:
    """Return a workbench for another seed's checkpoint, with the same texts; its reference stays the selected one's."""
    folder = bench.folder / f"seed-{rival.seed}"
    folder.mkdir(exist_ok=True)
    for rows in bench.folder.glob("rows_*.json"):
        shutil.copy(rows, folder / rows.name)
    own = replace(bench, request=replace(bench.request, checkpoint=rival.checkpoint), folder=folder)
    if not own.fp32.is_file():
        export_onnx(load_checkpoint(Path(rival.checkpoint)), own.fp32)
    return own


def retraining_alone(bench: Workbench) -> dict[str, Any] | None:
    """Compare the best other seed's checkpoint with the selected one's, as if it were a variant of it."""
    if not bench.request.rivals:
        return None
    rival = bench.request.rivals[0]
    own = bench_of(rival, bench)
    with EngineProcess(own.fp32, FP32) as engine:
        labels = compare(bench, own.logits(engine))
    figures = {label: asdict(of_label) for label, of_label in labels.items()}
    return {"seeds": [bench.card.seed, rival.seed], "labels": figures}


def seeds_as_shipped(bench: Workbench, shipped: Trial) -> list[dict[str, Any]]:
    """Convert the tied seeds as the winner is, and return every seed's average precision on validation."""
    rows = [_row(bench.card.seed, True, shipped, shipped.labels)]
    for rival in bench.request.rivals:
        if rival.tied:
            own = bench_of(rival, bench)
            graph = build_like(own, shipped)
            with EngineProcess(graph, shipped.variant) as engine:
                rows.append(_row(rival.seed, False, shipped, compare(bench, own.logits(engine))))
    return rows


def best_as_shipped(rows: list[dict[str, Any]], rivals: tuple[Rival, ...]) -> Rival | None:
    """Return the rival that is better than the selected seed once converted, or None."""
    known = [row for row in rows if row["validation_ap"] is not None]
    best = max(known, key=lambda row: (row["validation_ap"], row["selected"]), default=None)
    if best is None or best["selected"]:
        return None
    return next((rival for rival in rivals if rival.seed == best["seed"]), None)


def _row(seed: int, selected: bool, shipped: Trial, labels: dict[str, LabelFigures]) -> dict[str, Any]:
    values = [figures.validation_ap for figures in labels.values()]
    known = [value for value in values if value is not None]
    return {
        "seed": seed,
        "selected": selected,
        "variant": shipped.variant.name,
        "validation_ap": float(np.mean(known)) if known else None,
        "note": "" if len(known) == len(values) else "some labels have no average precision",
    }
