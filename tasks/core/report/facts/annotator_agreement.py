"""Section `agreement`: who labelled how much, how far they agree, and what is decided by now."""

from collections import Counter
from typing import Any

from tasks.core.exchange.agreement import Agreement, agreement_of
from tasks.core.exchange.decide import UNDECIDED
from tasks.core.exchange.settle import Settled, settle
from tasks.core.report.absent import Absent, run_flow
from tasks.core.report.facts_on_disk import RoundFiles


def gather_agreement(files: RoundFiles) -> dict[str, Any]:
    """Return each batch with its answers, and agreement on each label.

    Raises:
        Absent: nothing is drawn for labelling, or nothing is answered.
    """
    batches = [settle(batch, files.round_) for batch in files.batches]
    if not batches:
        raise Absent("no batch is drawn for labelling", run_flow("sampling", files.round_))
    answered = [one for one in batches if one.answers]
    if not answered:
        names = " or ".join(one.batch.folder.name for one in batches)
        raise Absent(
            f"no answers to {names} are imported",
            f"winnow labels import {_round_file(files)} ANSWERS.csv {_of(batches[0])}",
        )
    return {"batches": [_batch(one) for one in answered], "steps": _steps(files, batches)}


def _steps(files: RoundFiles, batches: list[Settled]) -> list[dict[str, str]]:
    """Say what is to be adjudicated and, where answers are decided, how the next round begins."""
    open_ = [one for one in batches if {*one.decided["how"].to_pylist()} & {*UNDECIDED}]
    steps = [
        {
            "why": f"Annotators disagree on texts of {one.batch.folder.name}; somebody has the last word:",
            "command": f"winnow labels export {_round_file(files)} disagreed.csv {_of(one)} --undecided",
        }
        for one in open_
    ]
    trains = [one.decided["target"] for one in batches if one.batch.about.kind == "sampling"]
    decided = sum(len(targets) - targets.null_count for targets in trains)
    following = {
        "why": f"{decided:,} labels of sampling's batches are decided: train the next round on them.",
        "command": f"winnow next {_round_file(files)}",
    }
    return steps + ([following] if decided else [])


def _of(settled: Settled) -> str:
    return f"--batch {settled.batch.folder.name}"


def _round_file(files: RoundFiles) -> str:
    return f"deployments/rounds/{files.round_.name}.yaml"


def _batch(settled: Settled) -> dict[str, Any]:
    labels = list(dict.fromkeys(settled.batch.draws["label"].to_pylist()))
    found = [agreement_of(label, settled.answers, settled.failed) for label in labels]
    return {
        "name": settled.batch.folder.name,
        "rows": [_row(one, settled) for one in found],
        "pairs": [row for one in found for row in _pairs(one)],
        "notes": settled.notes,
    }


def _row(found: Agreement, settled: Settled) -> dict[str, str]:
    hows = Counter(row["how"] for row in settled.decided.to_pylist() if row["label"] == found.label)
    targets = Counter(row["target"] for row in settled.decided.to_pylist() if row["label"] == found.label)
    return {
        "label": found.label,
        "annotators": ", ".join(f"{name} ({count:,})" for name, count in found.ratings.items()) or "nobody",
        "true": f"{targets[1]:,}",
        "false": f"{targets[0]:,}",
        "decided how": ", ".join(f"{how} {count:,}" for how, count in sorted(hows.items())),
        "Fleiss' kappa": _figure(found.fleiss),
        "Krippendorff's alpha": _figure(found.alpha),
    }


def _pairs(found: Agreement) -> list[dict[str, str]]:
    return [
        {
            "label": found.label,
            "annotators": f"{pair.first}, {pair.second}",
            "texts of both": f"{pair.texts:,}",
            "the same": "" if pair.same is None else f"{pair.same:.0%}",
            "Cohen's kappa": _figure(pair.kappa),
        }
        for pair in found.pairs
    ]


def _figure(value: float | None) -> str:
    return "cannot be told" if value is None else f"{value:.3f}"
