"""From the experts' scores of the draws to the first stage and the certificate.

Reads   the draws: see pool_draws.py
Writes  <run folder>/screening/screen/   the first stage, fitted
        <run folder>/certificate.json    what is promised; written last, so that who finds it finds the rest
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.errors import RunFolderError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.folders_aside import folder_aside, put_in_place
from tasks.core.base.naming import SCREEN_FILE, SCREEN_FOLDER
from tasks.core.inference.pool_draws import DRAW, TEXT, DrawsRun, promise_of, screening_of
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import read_part
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.screening.certificate import ROWS, Certificate, LabelCertificate, read_certificate, write_certificate
from tasks.core.screening.certify import Drawn, certify_label, top_from
from tasks.core.screening.draws import CALIBRATE, CHOOSE, FIT, NAMES
from tasks.core.screening.joint_path import StageCosts
from tasks.core.screening.linear_screen import LinearScreen, fit_screen
from tasks.core.screening.screen_folder import load_screen, save_screen

Floats = NDArray[np.float64]
CANARIES = 64
LEAST_ODDS = 1e-15
"""A probability nearer to 0 or 1 than this counts as so near: float64 has no log-odds of 1 itself."""
NOMINAL_COSTS = StageCosts((0.01,), 1.0)
"""The first stage counts as a hundredth of an expert, whatever it takes on this machine: measured times differ from one
launch to the next, and what they decide would, too."""


@dataclass(frozen=True)
class DrawnTexts:
    """All drawn rows: their texts, draws and scores, in the order of the shards."""

    texts: pa.ChunkedArray
    draw: NDArray[np.int8]
    scores: dict[str, Floats]
    """Each label's expert gave these."""

    def of(self, name: str) -> NDArray[np.bool_]:
        """Say which rows are in the draw of that name."""
        return np.asarray(self.draw == NAMES.index(name))


def screen_folder(folder: RunFolder) -> Path:
    """Where the first stage lies."""
    return folder.screening_path / SCREEN_FOLDER


def find_certificate(plan: Plan, folder: RunFolder) -> Certificate | None:
    """Return the run's certificate; None where there is none yet, it is torn, or the first stage is not the certified.

    Raises:
        FormatError: it is of a format that this version does not read.
    """
    try:
        certificate = read_certificate(folder.certificate_path)
        sha256 = sha256_of_file(screen_folder(folder) / SCREEN_FILE) if certificate.screen_sha256 else ""
    except (FileNotFoundError, TornRecordError):
        return None
    is_own = (certificate.key, sha256) == (screening_of(plan).key, certificate.screen_sha256)
    return certificate if is_own else None


@dataclass(frozen=True)
class Screening:
    """All that a worker needs to screen shards of a run."""

    certificate: Certificate
    screen: LinearScreen | None
    """The first stage; None where no label is screened."""
    draws: DrawsRun | None


def open_screening(folder: RunFolder) -> Screening:
    """Open a run's certified screening, once a process; the first stage's canaries are scored.

    Raises:
        RunFolderError: the run has no certificate yet.
        ModelFolderError: the first stage's files are not those that were written.
        MachineError: this machine gives its canaries other scores.
    """
    if not folder.certificate_path.is_file():
        raise RunFolderError(
            f"{folder.path} has no {folder.certificate_path.name}: its screening is not fitted. Run the inference flow "
            "again: it goes on where it stopped."
        )
    return _open(folder, folder.certificate_path.stat().st_mtime_ns)


@cache
def _open(folder: RunFolder, _mtime_ns: int) -> Screening:
    certificate = find_certificate(read_plan(folder), folder)
    if certificate is None:
        raise RunFolderError(
            f"{folder.certificate_path} is not of this run, or the first stage beside it is another than the certified "
            "one. Delete it and run the inference flow again: the draws' scores are kept."
        )
    if not certificate.screen_sha256:
        return Screening(certificate, None, None)
    own = RunFolder(folder.screening_path / certificate.draws_run)
    return Screening(certificate, load_screen(screen_folder(folder)), DrawsRun(read_plan(own), own, folder))


def read_drawn(draws: DrawsRun, shards: int) -> DrawnTexts:
    """Read the drawn rows of so many shards, with what the experts made of them."""
    tables: list[pa.Table] = []
    scores: dict[str, list[Floats]] = {use.label: [] for use in draws.plan.engines}
    for shard in range(shards):
        tables += [read_part(path, [TEXT, DRAW]) for path, _ in draws.parts_of(shard)]
        found = draws.scores_of(shard).scores
        for label, of_label in scores.items():
            of_label.append(found[label])
    whole = pa.concat_tables(tables)
    return DrawnTexts(
        whole[TEXT], whole[DRAW].to_numpy(), {label: np.concatenate(found) for label, found in scores.items()}
    )


def top_texts(plan: Plan, drawn: DrawnTexts) -> int:
    """Return how many top texts the calibration draw holds, of the label that has the fewest."""
    share = screening_of(plan).top_share
    found = drawn.scores.values()
    fit, calibrate = drawn.of(FIT), drawn.of(CALIBRATE)
    return min(int((scores[calibrate] >= top_from(scores[fit], share)).sum()) for scores in found)


def certify_off(plan: Plan, folder: RunFolder, why: str) -> Certificate:
    """Certify that nothing is screened out, and why; every text goes to the experts."""
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
        recall=promise_of(plan).recall,
        confidence=promise_of(plan).confidence,
        promise="",
        off=why,
    )
    certificate = _certificate(plan, {}, dict.fromkeys((use.label for use in plan.engines), off), "", "")
    write_certificate(folder.certificate_path, certificate)
    return certificate


def certify_run(plan: Plan, folder: RunFolder, draws: DrawsRun, drawn: DrawnTexts) -> Certificate:
    """Fit the first stage, choose and bound each label's path, and leave both in the run folder.

    The same draws and scores give the same files on the same kind of machine.

    Raises:
        RunFolderError: the draws' scores are of other rows than those that were drawn.
        InputDataError: a score is no finite number.
    """
    labels = tuple(drawn.scores)
    fit = drawn.of(FIT)
    texts = drawn.texts.filter(pa.array(fit))
    log_odds = np.stack([_log_odds(drawn.scores[label][fit]) for label in labels], axis=1)
    screen = fit_screen(texts, log_odds, labels)
    guesses = screen.score(drawn.texts)
    with folder_aside(screen_folder(folder)) as aside:
        save_screen(aside, screen, texts.slice(0, CANARIES).to_pylist())
        put_in_place(aside, screen_folder(folder))
    promise = promise_of(plan)

    def in_draw(name: str, place: int) -> Drawn:
        chosen = drawn.of(name)
        return Drawn(drawn.scores[labels[place]][chosen], guesses[chosen][:, place : place + 1])

    certified = {
        label: certify_label(
            drawn.scores[label][fit], in_draw(CHOOSE, place), in_draw(CALIBRATE, place), promise, NOMINAL_COSTS
        )
        for place, label in enumerate(labels)
    }
    sizes = {name: int(drawn.of(name).sum()) for name in (FIT, CHOOSE, CALIBRATE)}
    sha256 = sha256_of_file(screen_folder(folder) / SCREEN_FILE)
    certificate = _certificate(plan, sizes, certified, draws.folder.path.name, sha256)
    write_certificate(folder.certificate_path, certificate)
    return certificate


def _certificate(
    plan: Plan, drawn: dict[str, int], labels: dict[str, LabelCertificate], draws_run: str, sha256: str
) -> Certificate:
    asked = screening_of(plan)
    return Certificate(
        key=asked.key,
        pool=plan.rows,
        counted=ROWS,
        drawn=drawn,
        top_share=asked.top_share,
        recall=asked.recall,
        confidence=asked.confidence,
        all_at_once=asked.all_labels_at_once,
        labels=labels,
        draws_run=draws_run,
        screen_sha256=sha256,
    )


def _log_odds(scores: Floats) -> Floats:
    inside = np.clip(scores, LEAST_ODDS, 1 - LEAST_ODDS)
    return np.asarray(np.log(inside) - np.log1p(-inside))
