"""The conversion as the engines' benchmark sees it: the only place that knows how variants are made."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.core.base.files import write_json
from tasks.core.conversion.ladder import climb
from tasks.core.conversion.request import ConversionRequest
from tasks.core.conversion.tried_variants import fastest_that_passes
from tasks.core.conversion.workbench import open_workbench
from tasks.core.engines.variants import Variant
from tasks.core.round.conversion_section import Conversion
from tests.benchmarks.trained import Trained

BOOTSTRAP_RESAMPLES = 1_000


@dataclass(frozen=True)
class Measured:
    """What a conversion found."""

    report: dict[str, Any]
    """As in parity.json: serves, limits, variants."""
    files: dict[str, tuple[Path, Variant]]
    """Graph of each variant that was built, by its name."""


def measure_variants(trained: Trained, texts: list[str], folder: Path, settings: dict[str, Any]) -> Measured:
    """Build every variant of a checkpoint in `folder`, compare each with the checkpoint on `texts`, and judge it."""
    write_json(folder / "texts.json", texts)
    request = ConversionRequest(
        checkpoint=str(trained.checkpoint),
        labels=trained.splits.labels,
        texts_file=str(folder / "texts.json"),
        splits_path=trained.splits.path,
        settings=Conversion(**settings),
        bootstrap_resamples=BOOTSTRAP_RESAMPLES,
        rivals=(),
        folder=str(folder),
    )
    bench = open_workbench(request, folder)
    trials = climb(bench)
    shipped = fastest_that_passes(trials)
    report = {
        "serves": shipped.variant.name,
        "limits": asdict(request.settings.gate.limits),
        "variants": [trial.record() for trial in trials],
    }
    return Measured(report, {t.variant.name: (t.graph, t.variant) for t in trials if t.graph is not None})
