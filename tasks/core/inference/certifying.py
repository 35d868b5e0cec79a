"""From the experts' scores of the draws to the first stage and the certificate.

Reads   the draws: see pool_draws.py
Writes  <run folder>/screening/screen/   the first stage, fitted
        <run folder>/certificate.json    what is promised; written last, so that who finds it finds the rest
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.files import sha256_of_file
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.naming import SCREEN_FILE
from tasks.core.engines.model_folder import read_planned_model
from tasks.core.inference.certified import find_certificate, screen_folder
from tasks.core.inference.pool_draws import (
    ID,
    TEXT,
    DrawsRun,
    Generation,
    plan_of_draws,
    promise_of,
    screening_of,
)
from tasks.core.inference.pool_texts import DrawnTexts, read_drawn, too_few, top_texts
from tasks.core.inference.student_stage import student_guesses
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.screening.certificate import ROWS, Certificate, LabelCertificate, write_certificate
from tasks.core.screening.certify import certify_label
from tasks.core.screening.draw_sizes import DrawSizes, grow
from tasks.core.screening.draws import CALIBRATE, CHOOSE, FIT, Draws
from tasks.core.screening.joint_path import StageCosts
from tasks.core.screening.linear_screen import FLOOR, LinearScreen, fit_screen
from tasks.core.screening.screen_folder import save_screen

Floats = NDArray[np.float64]
CANARIES = 64
NOTHING_DRAWN = "screening is off: no row that can be scored was drawn. Every text is scored."
LEAST_ODDS = 1e-15
"""A probability nearer to 0 or 1 than this counts as so near: float64 has no log-odds of 1 itself."""
FIRST_STAGE_COST = 0.01
"""The first stage counts as a hundredth of an expert, and a student as its graph's share of the expert's, whatever they
take on this machine: measured times differ from one launch to the next, and what they decide would, too."""


@dataclass(frozen=True)
class Certified:
    """What became of an attempt to certify: a certificate, or larger draws that it needs first."""

    certificate: Certificate | None
    sizes: DrawSizes


def certify_or_grow(plan: Plan, folder: RunFolder, sizes: DrawSizes, generation: Generation) -> Certified:
    """Certify a run whose draws are scored, or say how much larger the calibration draw must be for the bound.

    Raises:
        RunFolderError: a file of the draws is missing, or not the one that was scored or written.
        InputDataError: a score is no finite number.
    """
    run = DrawsRun(*plan_of_draws(plan, folder, generation), folder)
    drawn = read_drawn(run, len(plan.shards))
    if why := too_few(drawn):
        return Certified(certify_off(plan, folder, why), sizes)
    grown = grow(sizes, plan.rows, promise_of(plan), top_texts(plan, drawn))
    if not grown.off and grown != sizes:
        return Certified(None, grown)
    return Certified(certify_run(plan, folder, run, generation.draws, drawn), sizes)


def certify_off(plan: Plan, folder: RunFolder, why: str) -> Certificate:
    """Certify that nothing is screened out, and why; every text goes to the experts."""
    promise = promise_of(plan)
    off = LabelCertificate(
        top_from=1.0,
        top_share_fit=0.0,
        top_share_calibrate=0.0,
        top_texts_choose=0,
        top_texts_calibrate=0,
        offsets=(),
        threshold=None,
        misses_allowed=None,
        misses=None,
        reaching=(1.0,),
        recall=promise.recall,
        confidence=promise.confidence,
        promise="",
        off=why,
    )
    certificate = _certificate(plan, dict.fromkeys((use.label for use in plan.engines), off))
    write_certificate(folder.certificate_path, certificate)
    return certificate


def certify_run(plan: Plan, folder: RunFolder, run: DrawsRun, draws: Draws, drawn: DrawnTexts) -> Certificate:
    """Fit the first stage, choose and bound each label's path, and leave both in the run folder; the first stays.

    The same draws and scores give the same files on the same kind of machine.

    Raises:
        InputDataError: a score is no finite number.
    """
    if (standing := find_certificate(plan, folder)) is not None:
        return standing
    screen = _fit(plan, folder, drawn)
    certificate = _certificate(
        plan,
        _certified(plan, drawn, screen),
        drawn={name: int(drawn.of(name).sum()) for name in (FIT, CHOOSE, CALIBRATE)},
        shares=draws.shares,
        draws_run=run.folder.path.name,
        screen_sha256=sha256_of_file(screen_folder(folder) / SCREEN_FILE),
    )
    write_certificate(folder.certificate_path, certificate)
    return certificate


def _fit(plan: Plan, folder: RunFolder, drawn: DrawnTexts) -> LinearScreen:
    """Fit the first stage, write it, and return it."""
    fit, share = drawn.of(FIT), screening_of(plan).top_share
    texts = drawn.texts.filter(pa.array(fit))
    log_odds = np.stack([_log_odds(found[fit]) for found in drawn.scores.values()], axis=1)
    screen = fit_screen(texts, log_odds, tuple(drawn.scores), floor=min(FLOOR, max(0.0, 1 - 2 * share)))
    with folder_aside(screen_folder(folder)) as aside:
        save_screen(aside, screen, texts.slice(0, CANARIES).to_pylist())
        put_in_place(aside, screen_folder(folder), lambda: find_certificate(plan, folder) is not None)
    return screen


def _certified(plan: Plan, drawn: DrawnTexts, screen: LinearScreen) -> dict[str, LabelCertificate]:
    stages, fit, promise = [screen.score(drawn.texts)], drawn.of(FIT), promise_of(plan)
    if screening_of(plan).students:
        stages.append(student_guesses(plan, pa.table({TEXT: drawn.texts, ID: drawn.texts}))[0])
    guesses = np.stack(stages, axis=2)
    return {
        label: certify_label(
            scores[fit],
            drawn.guessed(CHOOSE, label, guesses[:, place]),
            drawn.guessed(CALIBRATE, label, guesses[:, place]),
            promise,
            nominal_costs(plan, label),
        )
        for place, (label, scores) in enumerate(drawn.scores.items())
    }


def nominal_costs(plan: Plan, label: str) -> StageCosts:
    """Return what a text of a label costs at each stage, and what its expert costs: 1."""
    students = {use.label: use for use in screening_of(plan).students}
    if label not in students:
        return StageCosts((FIRST_STAGE_COST,), 1.0)
    experts = {use.label: use for use in plan.engines}
    student, expert = (_graph_bytes(uses[label]) for uses in (students, experts))
    return StageCosts((FIRST_STAGE_COST, student / expert), 1.0)


def _graph_bytes(use: EngineUse) -> int:
    model = read_planned_model(use.folder, use.seal)
    return (Path(model.folder) / model.graph).stat().st_size


def _certificate(
    plan: Plan,
    labels: dict[str, LabelCertificate],
    drawn: dict[str, int] | None = None,
    shares: tuple[float, ...] = (),
    draws_run: str = "",
    screen_sha256: str = "",
) -> Certificate:
    asked = screening_of(plan)
    return Certificate(
        key=asked.key,
        pool=plan.rows,
        counted=ROWS,
        drawn=drawn or {},
        top_share=asked.top_share,
        recall=asked.recall,
        confidence=asked.confidence,
        all_at_once=asked.all_labels_at_once,
        labels=labels,
        run_id=plan.run_id,
        shares=shares,
        draws_run=draws_run,
        screen_sha256=screen_sha256,
    )


def _log_odds(scores: Floats) -> Floats:
    """Return log-odds to seven digits: the last ones of a logarithm differ from CPU to CPU."""
    inside = np.clip(scores, LEAST_ODDS, 1 - LEAST_ODDS)
    return np.asarray((np.log(inside) - np.log1p(-inside)).astype(np.float32), dtype=np.float64)
