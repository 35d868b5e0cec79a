"""Which share of a run's rows its screening is taken to let pass, before that is known, and by what it is taken so.

The run's own certificate says it; before there is one, the newest certificate beside the run that promises the same of
the same labels; and else what was measured on other texts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.inference.asked_screening import planned_sizes, promise_of, screening_of
from tasks.core.inference.certified import find_certificate
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.screening.certificate import Certificate, read_certificate

MEASURED = {0.005: 0.059, 0.01: 0.062, 0.02: 0.085}
"""So large a share passed a first stage that keeps 99 % of such a top at 95 %, by 624 top texts: medians of tweets and
one label, from tasks/core/screening/README.md."""
MEASURED_RECALL, MEASURED_CONFIDENCE = 0.99, 0.95
NOT_YET = "How many rows pass is not known yet: "


@dataclass(frozen=True)
class Passing:
    """Which shares of the rows reach the stages after the first, and by what that is taken so."""

    student: float
    """So large a share reaches the student, for any label; no more than all labels' shares together."""
    expert: float
    """So large a share reaches an expert, on average over labels."""
    source: str

    def __str__(self) -> str:
        return f"{self.source}: {self.expert:.2%} reach an expert{self._student()}."

    def _student(self) -> str:
        return f", {self.student:.2%} the student" if self.student else ""


def expected_passing(plan: Plan, folder: RunFolder) -> Passing | None:
    """Return what is known or taken of the run's rows; None where nothing is screened."""
    if plan.inputs.screening is None:
        return None
    own = find_certificate(plan, folder)
    if own is not None:
        return _of(plan, own, "As the run's certificate says")
    if planned_sizes(plan).off:
        return None
    for name, earlier in _earlier(plan, folder):
        return _of(plan, earlier, f"{NOT_YET}taken to be as the certificate of {name} says of the same labels")
    return _by_default(plan)


def rows_to_draw(plan: Plan, folder: RunFolder) -> int:
    """Return how many rows the experts score for a screening that is not certified yet."""
    if plan.inputs.screening is None or find_certificate(plan, folder):
        return 0
    sizes = planned_sizes(plan)
    return sizes.fit + sizes.choose + sizes.calibrate


def _of(plan: Plan, certificate: Certificate, source: str) -> Passing:
    """Return what a certificate says; a row that is audited reaches the experts, too."""
    said = certificate.labels.values()
    audited = planned_sizes(plan).audit / max(plan.rows, 1)
    reaching = float(np.mean([1.0 if label.off else label.reaching[-1] for label in said]))
    first = sum(1.0 if label.off else label.reaching[1] for label in said)
    student = min(1.0, first) if screening_of(plan).students else 0.0
    return Passing(student, reaching + audited * (1 - reaching), source)


def _by_default(plan: Plan) -> Passing:
    """Return what was measured of the next larger top; all where nothing was, and all of it where a student reads."""
    promise, labels = promise_of(plan), len(plan.engines)
    larger = [top for top in MEASURED if top >= promise.top_share]
    known = larger and promise.recall <= MEASURED_RECALL and promise.confidence <= MEASURED_CONFIDENCE
    share = MEASURED[min(larger)] if known else 1.0
    source = (
        f"taken to be {share:.1%} a label, as of tweets whose first stage keeps 99 % of the top {min(larger):.1%} "
        "(tasks/core/screening/README.md, Measured); of other texts and labels it may be many times that"
        if known
        else "nothing was measured for so large a top or so strict a promise, so all are taken to pass"
    )
    student = min(1.0, share * labels) if screening_of(plan).students else 0.0
    ruled_out = ", and none that reaches the student is taken to be ruled out by it" * bool(student)
    return Passing(student, share, f"{NOT_YET}{source}{ruled_out}")


def _earlier(plan: Plan, folder: RunFolder) -> Iterator[tuple[str, Certificate]]:
    """Yield what stands beside the run and promises the same of the same labels by as many stages, newest first."""
    asked, labels = screening_of(plan), {use.label for use in plan.engines}
    stages = 2 if asked.students else 1
    beside = [RunFolder(path) for path in folder.path.parent.iterdir() if path != folder.path]
    found = [run for run in beside if run.certificate_path.is_file()]
    for run in sorted(found, key=lambda run: run.certificate_path.stat().st_mtime_ns, reverse=True):
        said = _read(run)
        if said is None or not said.screen_sha256 or said.labels.keys() != labels:
            continue
        promised = said.top_share, said.recall, said.confidence, said.all_at_once
        same = promised == (asked.top_share, asked.recall, asked.confidence, asked.all_labels_at_once)
        if same and all(len(label.reaching) == stages + 1 for label in said.labels.values()):
            yield run.path.name, said


def _read(folder: RunFolder) -> Certificate | None:
    """Return a folder's certificate; None where none can be read: whoever needs it to screen says why."""
    try:
        return read_certificate(folder.certificate_path)
    except (FileNotFoundError, FormatError, TornRecordError):
        return None
