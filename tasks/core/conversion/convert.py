"""Checkpoint -> engine models: every variant tried, the fastest that keeps the ranking packed.

Reads   a checkpoint's folder, texts of the sample, the labelled rows
Writes  <folder>/<label>/   the engine model: see tasks.core.inference.model_folder
        <folder>/report/    parity.md, scatter_<label>.png
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tasks.core.conversion.ladder import try_all
from tasks.core.conversion.package import Shipment, pack_engine
from tasks.core.conversion.report import draw_scatter, parity_markdown
from tasks.core.conversion.request import ConversionRequest
from tasks.core.conversion.rivals import best_as_shipped, retraining_alone, seeds_as_shipped
from tasks.core.conversion.trials import Trial, choose_shipped
from tasks.core.conversion.workbench import Workbench, open_workbench
from tasks.core.files import write_text
from tasks.core.inference.model_folder import EngineModel
from tasks.core.scores import margins
from tasks.core.threads import cpu_threads

REPORT_FOLDER = "report"
REPORT_FILE = "parity.md"


def convert(request: ConversionRequest) -> dict[str, EngineModel]:
    """Try every variant and leave an engine model for each label below the request's folder.

    Raises:
        ParityError: the fp32 graph's logits are not the checkpoint's, or no variant passes the gate.
        ModelFolderError: the checkpoint is not one of Winnow's, scores other labels, or lacks a file.
    """
    torch.set_num_threads(cpu_threads())
    with _scratch(Path(request.folder)) as scratch:
        bench = open_workbench(request, scratch)
        shipped, trials = choose_shipped(bench, try_all(bench))
        seeds = list(request.compared_seeds) or seeds_as_shipped(bench, shipped)
        better = best_as_shipped(seeds, request.rivals)
        if better is not None and request.settings.ship_best_seed:
            return convert(replace(request, checkpoint=better.checkpoint, rivals=(), compared_seeds=tuple(seeds)))
        shipment = Shipment(bench, shipped, _report(bench, trials, shipped, seeds))
        engines = {label: pack_engine(shipment, label) for label in request.labels}
        _write_report(bench, trials, shipment.report)
    return engines


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, removed at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        yield Path(scratch)


def _report(bench: Workbench, trials: list[Trial], shipped: Trial, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    gate = bench.request.settings.gate
    return {
        "limits": asdict(gate.limits),
        "preset": gate.preset,
        "serves": shipped.variant.name,
        "seed": bench.card.seed,
        "scored_texts": len(bench.texts),
        "parity_texts": len(bench.parity),
        "variants": [trial.record() for trial in trials],
        "retraining": retraining_alone(bench),
        "seeds": seeds,
    }


def _write_report(bench: Workbench, trials: list[Trial], report: dict[str, Any]) -> None:
    """Leave the report as text and pictures, for MLflow."""
    folder = Path(bench.request.folder) / REPORT_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_text(folder / REPORT_FILE, parity_markdown(report))
    for label, column in bench.columns.items():
        found = {
            trial.variant.name: margins(trial.logits.parity, column, bench.card.head)
            for trial in trials
            if trial.logits is not None
        }
        picture = draw_scatter(label, margins(bench.reference.parity, column, bench.card.head), found)
        picture.savefig(folder / f"scatter_{label}.png")
