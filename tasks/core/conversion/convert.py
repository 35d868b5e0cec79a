"""Checkpoint -> engine models: variants tried from the fastest on, the first that keeps the ranking packed.

Reads   a checkpoint's folder, texts of the sample, the labelled rows
Writes  <folder>/<label>/   the engine model: see tasks.core.engines.model_folder
        <folder>/report/    parity.md, scatter_<label>.png
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.core.base.errors import ParityError
from tasks.core.base.files import write_text
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.naming.composed_names import scatter_picture
from tasks.core.base.naming.file_names import PARITY_TABLE, REPORT_FOLDER
from tasks.core.base.threads import cpu_threads
from tasks.core.conversion.ladder import climb
from tasks.core.conversion.packing.pack_engine import Shipment, pack_engine
from tasks.core.conversion.parity.parity_report import parity_markdown
from tasks.core.conversion.parity.parity_scatter import draw_scatter
from tasks.core.conversion.request import ConversionRequest
from tasks.core.conversion.rivals import best_as_shipped, retraining_alone, seeds_as_shipped, validation_aps
from tasks.core.conversion.tried_variants import Trial, fastest_that_passes
from tasks.core.conversion.workbench import Tell, Workbench, open_workbench, untold
from tasks.core.engines.loading import close_engines
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import margins

AS_TRAINED = 0.01


def convert(request: ConversionRequest, tell: Tell = untold) -> dict[str, EngineModel]:
    """Try variants from the fastest on, and leave an engine model for each label below the request's folder.

    `tell` hears what is built and judged.

    Raises:
        ParityError: the fp32 graph's logits are not the checkpoint's, the checkpoint is not as good as it was when it
            was trained, or no variant passes the gate.
        ModelFolderError: the checkpoint is not one of Winnow's, not the planned one, scores other labels, or lacks a
            file or weights.
    """
    torch.set_num_threads(cpu_threads())
    with folder_aside(Path(request.folder)) as scratch:
        tell("exporting the checkpoint, and scoring the texts to compare on")
        bench = replace(open_workbench(request, scratch), tell=tell)
        _require_as_trained(bench)
        trials = climb(bench)
        shipped = fastest_that_passes(trials)
        seeds = list(request.compared_seeds) or seeds_as_shipped(bench, shipped)
        better = best_as_shipped(seeds, request.rivals)
        if better is not None and request.settings.ship_best_seed:
            own = replace(request, checkpoint=better.checkpoint, sha256=better.sha256)
            own = replace(own, rivals=(), trained_validation_ap=None)
            tell(f"another seed is better as it is served: {better.checkpoint}; converting that one")
            return convert(replace(own, compared_seeds=tuple(seeds)), tell)
        shipment = Shipment(bench, shipped, _report(bench, trials, shipped, seeds))
        _write_report(bench, trials, shipment.report)
        engines = {label: pack_engine(shipment, label) for label in request.labels}
        close_engines()
    return engines


def _require_as_trained(bench: Workbench) -> None:
    """Check that fp32 is as good on the validation rows as the checkpoint was when it was trained.

    The graph and its reference share preprocessing, tokenizer file and rows; a fault in those shows only here.
    """
    request = bench.request
    aps = [ap for ap in validation_aps(bench, bench.exported.validation) if ap is not None]
    if request.trained_validation_ap is None or not aps:
        return
    found = float(np.mean(aps))
    if abs(found - request.trained_validation_ap) > AS_TRAINED:
        raise ParityError(
            f"{request.checkpoint} has a validation AP of {found:.4f} here, but {request.trained_validation_ap:.4f} "
            f"when it was trained; {AS_TRAINED:g} is what other hardware may change. Its preprocessing, its tokenizer "
            "or the validation rows are others by now. Run the training flow again."
        )


def _report(bench: Workbench, trials: list[Trial], shipped: Trial, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    gate = bench.request.settings.gate
    return {
        "limits": asdict(gate.limits),
        "preset": gate.preset,
        "gate_weakened": gate.weakened,
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
    target = Path(bench.request.folder) / REPORT_FOLDER
    with folder_aside(target) as folder:
        write_text(folder / PARITY_TABLE, parity_markdown(report))
        for label, column in bench.columns.items():
            found = {
                trial.variant.name: margins(trial.logits.parity, column, bench.card.head)
                for trial in trials
                if trial.logits is not None
            }
            picture = draw_scatter(label, margins(bench.exported.parity, column, bench.card.head), found)
            picture.savefig(folder / scatter_picture(label))
        put_in_place(folder, target)
