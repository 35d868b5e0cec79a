"""The shipped variant -> the engine model's folder."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.files import fingerprint, sha256_of_file, write_json
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.naming.file_names import CANARIES_FILE, FP32_FILE, ONNX_FILE, PARITY_FILE
from tasks.core.base.naming.library_names import TOKENIZER_FILE
from tasks.core.conversion.packing.pyfunc_files import write_pyfunc_files
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.parity.parity_texts import choose_canaries
from tasks.core.conversion.tried_variants import Trial
from tasks.core.conversion.workbench import Workbench
from tasks.core.engines.canaries import COUNT, write_canaries
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import EngineModel, read_engine_model, write_engine_model
from tasks.core.engines.scores import margins
from tasks.core.engines.variants import FP32, Variant

CANARY_TOLERANCE = 1e-3
"""The tolerance is the same however loose the gate is: canaries are always scored in the same batches."""


@dataclass(frozen=True)
class Shipment:
    """The variant that ships, and why."""

    bench: Workbench
    shipped: Trial
    report: dict[str, Any]


def pack_engine(shipment: Shipment, label: str) -> EngineModel:
    """Write a label's engine model below the request's folder, then open it as inference will, canaries and all."""
    bench = shipment.bench
    target = Path(bench.request.folder) / label
    with folder_aside(target) as building:
        graphs = _copy_graphs(shipment, building)
        shutil.copy(bench.folder / TOKENIZER_FILE, building / TOKENIZER_FILE)
        _write_canaries(bench, label, graphs)
        write_json(building / PARITY_FILE, shipment.report)
        model = _describe(shipment, label, building)
        write_engine_model(model)
        write_pyfunc_files(model)
        open_engine(str(building), seal=model.seal)
        put_in_place(building, target)
    return read_engine_model(target)


def _copy_graphs(shipment: Shipment, folder: Path) -> dict[Variant, Path]:
    """Copy the graph that serves, and the fp32 one where that is another file."""
    shipped = shipment.shipped
    if shipped.graph is None:
        raise AssertionError("a variant that passes has been built")
    shutil.copy(shipped.graph, folder / ONNX_FILE)
    if shipped.graph == shipment.bench.fp32:
        return {FP32: folder / ONNX_FILE, shipped.variant: folder / ONNX_FILE}
    shutil.copy(shipment.bench.fp32, folder / FP32_FILE)
    return {FP32: folder / FP32_FILE, shipped.variant: folder / ONNX_FILE}


def _write_canaries(bench: Workbench, label: str, graphs: dict[Variant, Path]) -> None:
    """Choose canaries over the label's ranking, and score them with each variant in a process of its own."""
    lengths = np.array([len(row) for row in bench.rows("parity")], dtype=np.int64)
    ranked = margins(bench.exported.parity, bench.columns[label], bench.card.head)
    chosen = choose_canaries(ranked, lengths, COUNT)
    rows = bench.rows("parity")
    write_json(bench.rows_file("canaries"), [rows[number] for number in chosen])
    logits: dict[str, NDArray[np.float32]] = {}
    for variant, graph in graphs.items():
        with EngineProcess(graph, variant) as engine:
            logits[variant.name] = engine.logits(bench.rows_file("canaries"))
    folder = next(iter(graphs.values())).parent
    write_canaries(folder, [bench.texts[bench.parity[number]] for number in chosen], logits)


def _describe(shipment: Shipment, label: str, folder: Path) -> EngineModel:
    bench, card = shipment.bench, shipment.bench.card
    names = [ONNX_FILE, TOKENIZER_FILE, CANARIES_FILE, PARITY_FILE]
    names += [FP32_FILE] if (folder / FP32_FILE).is_file() else []
    return EngineModel(
        folder=str(folder),
        label=label,
        head=card.head,
        variant=shipment.shipped.variant,
        positive_index=bench.columns[label],
        max_length_tokens=card.max_length_tokens,
        preprocessing=card.preprocessing,
        preprocessing_digest=card.preprocessing_digest,
        canary_tolerance=CANARY_TOLERANCE,
        config_hash=card.config_hash,
        judged_by=fingerprint([asdict(bench.request.settings.gate.limits), bench.texts]),
        gate_weakened=bench.request.settings.gate.weakened,
        files={name: sha256_of_file(folder / name) for name in names},
    )
