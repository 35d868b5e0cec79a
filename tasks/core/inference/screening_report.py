"""What came of a screened run: the promises, what the audit found, and what each stage took and saved."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.formats import Content
from tasks.core.inference.asked_screening import promise_of
from tasks.core.inference.certified import find_certificate
from tasks.core.runs.balance import Tally
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.parts import AUDITED, SCREENED_OUT
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.screening.certificate import Certificate
from tasks.core.screening.screening_audit import Audit, audit_label
from tasks.core.screening.screening_cost import ScreeningCost, StageCost

BROKEN = "promise not kept"


def screening_report(plan: Plan, folder: RunFolder) -> Callable[[Tally], Content] | None:
    """Return what the manifest says of the run's screening, of the sums over all shards; None where there is none.

    Raises:
        RunFolderError: the run has no certificate.
    """
    if plan.inputs.screening is None:
        return None
    certificate = find_certificate(plan, folder)
    if certificate is None:
        raise RunFolderError(f"{folder.certificate_path} is gone or altered. Run the inference flow again.")

    def report(tally: Tally) -> Content:
        audits = {label: _audit(plan, tally, label) for label, said in certificate.labels.items() if not said.off}
        return {
            "labels": {label: _label(certificate, tally, label, audits.get(label)) for label in certificate.labels},
            "verdict": _verdict(audits),
            "cost": _cost(folder, certificate, tally),
        }

    return report


def _audit(plan: Plan, tally: Tally, label: str) -> Audit:
    stages = tally.stages[label]
    audited, misses = stages[AUDITED], tally.audited_top[label]
    out = audited + sum(stages[name] for name in SCREENED_OUT)
    return audit_label(audited, misses, out, tally.top[label] - misses, promise_of(plan))


def _label(certificate: Certificate, tally: Tally, label: str, audit: Audit | None) -> Content:
    said = certificate.labels[label]
    return {
        "promise": said.promise,
        "off": said.off,
        "stages": dict(tally.stages[label]),
        "top": tally.top[label],
        "audit": None if audit is None else asdict(audit) | {"sentence": audit.sentence},
    }


def _verdict(audits: dict[str, Audit]) -> str:
    """Say whether all promises are kept, in the words of the worst label."""
    verdicts = {audit.verdict for audit in audits.values()}
    if "not kept" in verdicts:
        return BROKEN
    return "promise cannot be told" if "cannot tell" in verdicts else "promise kept" if verdicts else "not screened"


def _cost(folder: RunFolder, certificate: Certificate, tally: Tally) -> Content:
    """Return texts and core-seconds of each stage, in the engines and the first stage, and what engines alone take."""
    rows = max((sum(stages.values()) for stages in tally.stages.values()), default=0)
    drawn, in_draws = _spent_on_draws(folder, certificate)
    engines = [name for name in tally.stage_rows if name not in SCREENED_OUT]
    rates = {
        name: (tally.stage_seconds[name] + in_draws.get(name, 0.0)) / max(tally.stage_rows[name] + drawn, 1)
        for name in engines
    }
    asked = max((tally.stage_rows[name] for name in engines), default=0)
    screens = [name for name in SCREENED_OUT if name in tally.stage_rows]
    after = [*(tally.stage_rows[name] for name in screens[1:]), asked]
    stages = [StageCost("draws", drawn, drawn, sum(in_draws.values()))]
    stages += [
        StageCost(name, tally.stage_rows[name], out, tally.stage_seconds[name])
        for name, out in zip(screens, after, strict=False)  # nothing is after no screen
    ]
    stages += [StageCost(n, tally.stage_rows[n], tally.stage_rows[n], tally.stage_seconds[n]) for n in engines]
    cost = ScreeningCost(tuple(stages), rows * sum(rates.values()))
    sentence = f"in engines and screens, {cost.sentence}"
    return asdict(cost) | {"core_seconds": cost.core_seconds, "sentence": sentence}


def _spent_on_draws(folder: RunFolder, certificate: Certificate) -> tuple[int, dict[str, float]]:
    """Return how many rows were drawn, and the core-seconds of each engine on them."""
    if not certificate.draws_run:
        return 0, {}
    place = RunFolder(folder.screening_path / certificate.draws_run)
    draws = read_plan(place)
    manifest: dict[str, Any] = read_manifest(draws, place) or {}
    seconds = manifest.get("timings", {}).get("stage_core_seconds", {})
    return draws.rows, {name: float(spent) for name, spent in seconds.items()}
