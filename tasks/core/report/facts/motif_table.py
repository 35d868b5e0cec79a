"""Section `motifs`: words that stand together in a label's best texts more often than in random ones."""

from typing import Any

from tasks.core.exchange.batch import Batch
from tasks.core.report.absent import Absent, run_flow
from tasks.core.report.facts_on_disk import RoundFiles


def gather_motifs(files: RoundFiles) -> dict[str, Any]:
    """Return the motifs of every label in the round's sampling batches.

    Raises:
        Absent: no batch of the round is drawn for training.
    """
    batches = [batch for batch in files.batches if batch.about.kind == "sampling"]
    if not batches:
        raise Absent("no batch is drawn for labelling", run_flow("sampling", files.round_))
    return {"batches": [_batch(batch) for batch in batches]}


def _batch(batch: Batch) -> dict[str, Any]:
    found = {label: motifs for label, motifs in batch.about.counts.get("motifs", {}).items() if motifs}
    return {
        "name": batch.folder.name,
        "method": batch.about.settings.get("method", ""),
        "texts": f"{len(batch.texts):,}",
        "labels": [
            {"label": label, "rows": [_row(motif) for motif in motifs]} for label, motifs in found.items() if motifs
        ],
    }


def _row(motif: dict[str, Any]) -> dict[str, str]:
    return {
        "motif": " ".join(motif["words"]),
        "lift": f"{motif['lift']:.1f}",
        "best texts": f"{motif['best_texts']:,}",
        "random texts": f"{motif['random_texts']:,}",
    }
