"""Other seeds beside the selected one: how much retraining moves the ranking, and which seed is best as shipped."""

import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ModelFolderError, ParityError
from tasks.core.base.naming.composed_names import rival_folder, token_rows
from tasks.core.conversion.build_orders import build_apart, order_of
from tasks.core.conversion.builders.export import export_onnx, load_checkpoint
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.parity.parity_figures import ModelLogits, average_precision, require_comparable
from tasks.core.conversion.request import Rival
from tasks.core.conversion.tried_variants import Trial, compare
from tasks.core.conversion.workbench import PARTS, Workbench, fp32_logits
from tasks.core.engines.scores import label_scores
from tasks.core.engines.variants import FP32
from tasks.core.training.seeds.seed_plan import verify_checkpoint


def bench_of(rival: Rival, bench: Workbench) -> Workbench:
    """Return a workbench for another seed's checkpoint, with the same texts; its reference stays the selected one's.

    Raises:
        ModelFolderError: its files are not those that training wrote.
    """
    verify_checkpoint(Path(rival.checkpoint), rival.sha256)
    folder = bench.folder / rival_folder(rival.seed)
    folder.mkdir(exist_ok=True)
    for rows in bench.folder.glob(token_rows("*")):
        shutil.copy(rows, folder / rows.name)
    own = replace(bench, request=replace(bench.request, checkpoint=rival.checkpoint), folder=folder)
    if not own.fp32.is_file():
        export_onnx(load_checkpoint(Path(rival.checkpoint)), own.fp32)
    return own


def retraining_alone(bench: Workbench) -> dict[str, Any] | None:
    """Compare the best other seed's checkpoint with the selected one's, as if it were a variant of it.

    None when no other seed can be compared.
    """
    for rival in bench.request.rivals:
        with suppress(ParityError, ModelFolderError, OSError):  # the seeds' own table says what is wrong with one
            own = bench_of(rival, bench)
            with EngineProcess(own.fp32, FP32) as engine:
                labels = compare(
                    bench, ModelLogits(*(fp32_logits(own.request, own.folder, engine, part) for part in PARTS))
                )
            figures = {label: asdict(of_label) for label, of_label in labels.items()}
            return {"seeds": [bench.card.seed, rival.seed], "labels": figures}
    return None


def seeds_as_shipped(bench: Workbench, shipped: Trial) -> list[dict[str, Any]]:
    """Convert the tied seeds as the winner is, and return every seed's average precision on validation.

    A seed that cannot be converted has none, and a note that says why.
    """
    selected = [figures.validation_ap for figures in shipped.labels.values()]
    rows = [_row(bench.card.seed, True, shipped, selected)]
    return rows + [_rival_row(bench, rival, shipped) for rival in bench.request.rivals if rival.tied]


def _rival_row(bench: Workbench, rival: Rival, shipped: Trial) -> dict[str, Any]:
    try:
        own = bench_of(rival, bench)
        graph = own.fp32 if _runs_fp32(shipped, bench) else build_apart(order_of(own, shipped.variant, shipped.graph))
        with EngineProcess(graph, shipped.variant) as engine:
            logits = engine.logits(own.rows_file("validation"))
        return _row(rival.seed, False, shipped, validation_aps(bench, logits))
    except Exception as error:  # noqa: BLE001 - another seed's fault is no reason to lose the selected one's conversion
        return _row(rival.seed, False, shipped, []) | {"note": f"{type(error).__name__}: {error}"}


def _runs_fp32(shipped: Trial, bench: Workbench) -> bool:
    """Whether the variant that ships reads the exported graph itself, and none built from it."""
    return shipped.graph == bench.fp32


def validation_aps(bench: Workbench, logits: NDArray[np.float32]) -> list[float | None]:
    """Return each label's average precision on the validation rows: all that seeds are compared by."""
    require_comparable("validation", bench.exported.validation, logits)
    scores = [label_scores(logits, column, bench.card.head) for column in bench.columns.values()]
    return [
        average_precision(bench.targets[label].validation, own)
        for label, own in zip(bench.columns, scores, strict=True)
    ]


def best_as_shipped(rows: list[dict[str, Any]], rivals: tuple[Rival, ...]) -> Rival | None:
    """Return the rival that is better than the selected seed once converted, or None."""
    known = [row for row in rows if row["validation_ap"] is not None]
    best = max(known, key=lambda row: (row["validation_ap"], row["selected"]), default=None)
    if best is None or best["selected"]:
        return None
    return next((rival for rival in rivals if rival.seed == best["seed"]), None)


def _row(seed: int, selected: bool, shipped: Trial, aps: list[float | None]) -> dict[str, Any]:
    known = [value for value in aps if value is not None]
    return {
        "seed": seed,
        "selected": selected,
        "variant": shipped.variant.name,
        "validation_ap": float(np.mean(known)) if known else None,
        "note": "" if len(known) == len(aps) else "some labels have no average precision",
    }
