"""From the experts' scores of the draws to the first stage and the certificate.

Reads   the draws: see pool_draws.py
Writes  <run folder>/screening/screen/   the first stage, fitted
        <run folder>/certificate.json    what is promised; written last, so that who finds it finds the rest
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.files import sha256_of_file
from tasks.core.base.naming.file_names import SCREEN_FILE
from tasks.core.inference.asked_screening import promise_of, screening_of
from tasks.core.inference.certified import find_certificate, screen_folder
from tasks.core.inference.draws_run import DrawsRun, plan_of_draws
from tasks.core.inference.first_stage import fit_first_stage, fitting_part
from tasks.core.inference.nominal_costs import nominal_costs
from tasks.core.inference.pool_draws import ID, TEXT, Generation
from tasks.core.inference.pool_texts import PoolTexts, read_drawn, too_few, top_texts
from tasks.core.inference.student_stage import student_guesses
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.screening.certificate import ROWS, Certificate, LabelCertificate, write_certificate
from tasks.core.screening.certify import certify_label
from tasks.core.screening.draw_sizes import DrawSizes, grow
from tasks.core.screening.draws import CALIBRATE, CHOOSE, FIT, Draws
from tasks.core.screening.linear_screen import LinearScreen

Floats = NDArray[np.float64]
NOTHING_DRAWN = "screening is off: no row that can be scored was drawn. Every text is scored."


@dataclass(frozen=True)
class Certified:
    """What became of an attempt to certify: a certificate, or larger draws that it needs first."""

    certificate: Certificate | None
    sizes: DrawSizes


def certify_or_grow(plan: Plan, folder: RunFolder, sizes: DrawSizes, generation: Generation) -> Certified:
    """Certify a run whose draws are scored, or say how much larger the calibration draw must be for the bound.

    Raises:
        RunFolderError: a file of the draws is missing, or not the one that was scored or written; or a label's draws
            were scored by several engine variants.
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


def certify_run(plan: Plan, folder: RunFolder, run: DrawsRun, draws: Draws, drawn: PoolTexts) -> Certificate:
    """Fit the first stage, choose and bound each label's path, and leave both in the run folder; the first stays.

    The same draws and scores give the same files on the same kind of machine.

    Raises:
        InputDataError: a score is no finite number.
    """
    if (standing := find_certificate(plan, folder)) is not None:
        return standing
    screen = fit_first_stage(plan, folder, drawn)
    certificate = replace(
        _certificate(plan, _certified(plan, drawn, screen)),
        drawn={name: int(drawn.of(name).sum()) for name in (FIT, CHOOSE, CALIBRATE)},
        fitted_texts=int(fitting_part(drawn).sum()),
        shares=draws.shares,
        draws_run=run.folder.path.name,
        variants=drawn.variants,
        screen_sha256=sha256_of_file(screen_folder(folder) / SCREEN_FILE),
    )
    write_certificate(folder.certificate_path, certificate)
    return certificate


def _certified(plan: Plan, drawn: PoolTexts, screen: LinearScreen) -> dict[str, LabelCertificate]:
    fit, promise = drawn.of(FIT), promise_of(plan)
    guesses = np.concatenate([_guesses(plan, texts, screen) for texts in drawn.by_shard()])
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


def _guesses(plan: Plan, texts: pa.ChunkedArray, screen: LinearScreen) -> Floats:
    """Return all stages' guesses, of shape (rows, labels, stages); the student, too, reads every drawn row."""
    stages = [screen.score(texts)]
    if screening_of(plan).students:
        stages.append(student_guesses(plan, pa.table({TEXT: texts, ID: texts}))[0])
    return np.stack(stages, axis=2)


def _certificate(plan: Plan, labels: dict[str, LabelCertificate]) -> Certificate:
    """Return what is certified of the labels, where nothing was drawn."""
    asked = screening_of(plan)
    return Certificate(
        key=asked.key,
        pool=plan.rows,
        counted=ROWS,
        drawn={},
        top_share=asked.top_share,
        recall=asked.recall,
        confidence=asked.confidence,
        all_at_once=asked.all_labels_at_once,
        labels=labels,
        run_id=plan.run_id,
    )
