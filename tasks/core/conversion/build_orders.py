"""A variant built in a process of its own: a crash of a library costs the variant, and its memory is its own.

Asked for here; build_variant.py is what runs there.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.base.errors import ParityError
from tasks.core.base.naming.composed_names import graph_file
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.variants import Variant

if TYPE_CHECKING:  # PyTorch and transformers, which a process that mixes has no use for
    from tasks.core.conversion.workbench import Workbench

PROGRAM = "tasks.core.conversion.build_variant"
LAST_CHARACTERS = 600


@dataclass(frozen=True)
class BuildOrder:
    """All that a builder is given, as JSON."""

    variant: str
    graph: str
    """The graph is written here."""
    fp32: str
    checkpoint: str
    apart: str
    """The token rows set apart for making int8 variants lie here."""
    calibration_texts: int
    steps: int
    seed: int
    head: str
    edges: dict[str, tuple[int, float]]
    """Each label has its column of the logits and its threshold."""
    limits: dict[str, float]
    like: str = ""
    """Mixed int8 leaves out the layers that this graph has in floating point, where it is given."""


def order_of(bench: "Workbench", variant: Variant, like: Path | None = None) -> BuildOrder:
    """Return what the builder of a variant is given on a workbench; `like` is another seed's graph of that variant."""
    settings = bench.request.settings
    return BuildOrder(
        variant=variant.name,
        graph=str(bench.folder / graph_file(variant.name)),
        fp32=str(bench.fp32),
        checkpoint=bench.request.checkpoint,
        apart=str(bench.rows_file("apart")),
        calibration_texts=settings.calibration_texts,
        steps=settings.distillation_steps,
        seed=settings.draw_seed,
        head=bench.card.head,
        edges={label: (column, bench.thresholds[label]) for label, column in bench.columns.items()},
        limits=asdict(settings.gate.limits),
        like=str(like or ""),
    )


def build_apart(order: BuildOrder) -> Path:
    """Build a variant in a process of its own, on this process's threads, and return its graph.

    Raises:
        ParityError: it could not be built; with what the process said last.
    """
    command = [sys.executable, "-m", PROGRAM, json.dumps(asdict(order))]
    threads = {"OMP_NUM_THREADS": str(cpu_threads())}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | threads)
    if done.returncode or not Path(order.graph).is_file():
        said = done.stderr[-LAST_CHARACTERS:].strip().rpartition("\n")[2]
        raise ParityError(f"it could not be built: its process ended with status {done.returncode}: {said}")
    return Path(order.graph)
