"""Whether OpenVINO reads the untrained model's graph as it should; else none of its variants can serve."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.errors import ModelFolderError, ParityError
from tasks.core.base.files import write_json
from tasks.core.base.naming.composed_names import token_rows
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.rehearsal import Rehearsal
from tasks.core.engines.variants import OPENVINO, Variant

Logits = NDArray[np.float32]
OPENVINO_FP32 = Variant(f"{OPENVINO}fp32", "openvino", "f32")
"""Never shipped, for it is no faster than ONNX Runtime's fp32: the others read the graph as it does."""


def left_out(rehearsal: Rehearsal, graph: Path, rows: list[list[int]], wanted: Logits, allowed_share: float) -> str:
    """Return which of the variants that are asked for conversion will leave out, and why; or nothing.

    OpenVINO's logits of the token rows may differ from those `wanted` by a share of how far apart the rows are.

    Raises:
        ModelFolderError: no other variant is asked for.
        MemoryError: nor is one, and OpenVINO's process was killed.
    """
    asked = [name for name in rehearsal.variants if name.startswith(OPENVINO)]
    others = [name for name in rehearsal.variants if name not in asked]
    try:
        fault = _fault(graph, rows, wanted, allowed_share) if asked else None
    except MemoryError as error:
        if others:
            return f"whether OpenVINO can serve what is trained from {rehearsal.base_model} is not known: {error}"
        raise
    if fault is None:
        return ""
    out = f"OpenVINO cannot serve what is trained from {rehearsal.base_model}: {fault}"
    if others:
        return f"{out}. Conversion will leave {', '.join(asked)} out; fp32 and {', '.join(others)} are still tried."
    raise ModelFolderError(
        f"{out}. conversion.variants asks for {', '.join(asked)} alone, so nothing is trained: only fp32 could serve. "
        "If fp32 is fast enough, set conversion.variants to [] in the round file; else add variants of onnxruntime, or "
        "name another base_model."
    )


def _fault(graph: Path, rows: list[list[int]], wanted: Logits, allowed_share: float) -> str | None:
    asked = graph.with_name(token_rows("untrained"))
    write_json(asked, rows)
    with EngineProcess(graph, OPENVINO_FP32) as engine:
        try:
            found = engine.logits(asked)
        except ParityError as error:
            if engine.was_killed:
                raise MemoryError("its process was killed; this machine may have too little memory for it") from error
            return " ".join(str(error).split())
    if found.shape != wanted.shape:
        return f"it gives logits of shape {found.shape} instead of {wanted.shape}"
    apart, difference = float(np.ptp(wanted, axis=0).max()), float(np.abs(wanted - found).max())
    if difference <= allowed_share * apart:
        return None
    return f"it gives other logits than PyTorch (texts are up to {apart:.2g} apart, the two ways {difference:.2g})"
