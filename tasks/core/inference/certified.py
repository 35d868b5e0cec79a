"""A run's certificate and first stage, found and opened: only together, and only those of this run."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.core.base.errors import MachineError, RunFolderError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.naming.file_names import SCREEN_FILE, SCREEN_FOLDER
from tasks.core.inference.draws_run import DrawsRun
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import read_manifest
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.shards.wholeness import unfinished_shards
from tasks.core.screening.certificate import Certificate, read_certificate
from tasks.core.screening.draws import Draws
from tasks.core.screening.linear_screen import LinearScreen
from tasks.core.screening.screen_folder import load_screen


@dataclass(frozen=True)
class CertifiedScreening:
    """All that a worker needs to screen shards of a run."""

    certificate: Certificate
    screen: LinearScreen | None
    """The first stage; None where no label is screened."""
    run: DrawsRun | None

    @property
    def draws(self) -> Draws:
        """The draws, as they were certified."""
        return Draws(self.certificate.key, *self.certificate.shares)


def screen_folder(folder: RunFolder) -> Path:
    """Where the first stage lies."""
    return folder.screening_path / SCREEN_FOLDER


def find_certificate(plan: Plan, folder: RunFolder) -> Certificate | None:
    """Return the run's certificate; None where there is none, it is torn or another run's, or the first stage is.

    Raises:
        FormatError: it is of a format that this version does not read.
    """
    try:
        certificate = read_certificate(folder.certificate_path)
        sha256 = sha256_of_file(screen_folder(folder) / SCREEN_FILE) if certificate.screen_sha256 else ""
    except (FileNotFoundError, TornRecordError):
        return None
    return certificate if (certificate.run_id, certificate.screen_sha256) == (plan.run_id, sha256) else None


def is_ready(plan: Plan, folder: RunFolder) -> bool:
    """Say whether shards can be screened: the certificate stands, and what was drawn for it is scored and whole."""
    if plan.inputs.screening is None:
        return True
    certificate = find_certificate(plan, folder)
    if certificate is None or not certificate.draws_run:
        return certificate is not None
    place = RunFolder(folder.screening_path / certificate.draws_run)
    if not place.plan_path.is_file():
        return False
    draws = read_plan(place)
    return read_manifest(draws, place) is not None and not unfinished_shards(draws, place)


def open_screening(folder: RunFolder) -> CertifiedScreening:
    """Open a run's certified screening, once a process; the first stage's canaries are scored.

    Raises:
        RunFolderError: the run has no certificate, or another run's.
        ModelFolderError: the first stage's files are not those that were written.
        MachineError: this machine gives its canaries other scores.
    """
    if not folder.certificate_path.is_file():
        raise RunFolderError(
            f"{folder.path} has no {folder.certificate_path.name}: its screening is not fitted. Run the inference flow "
            "again: it goes on where it stopped."
        )
    return _open(folder, folder.certificate_path.stat().st_mtime_ns)


def require_certified_variants(folder: RunFolder, variants: Mapping[str, str]) -> None:
    """Refuse, by label, another engine variant than the one whose scores were bounded: its top may be of other texts.

    Raises:
        MachineError: a screened label would be scored by another variant than its draws; other workers may do.
        RunFolderError, ModelFolderError: see `open_screening`.
    """
    certificate = open_screening(folder).certificate
    for label, variant in variants.items():
        certified = certificate.variants.get(label, variant)
        if certified != variant and not certificate.labels[label].off:
            raise MachineError(
                f"this worker scores label '{label}' by {variant}, but the screening of {folder.path} is certified for "
                f"the scores of {certified}, by which its draws were scored: one of them is where an engine fell back "
                f"to fp32. Go on with workers of that kind (-p cluster=...), or delete {folder.certificate_path.name} "
                f"and {folder.screening_path / certificate.draws_run} and run the inference flow again: draws are then "
                "scored and certified by the workers of today, and shards that are done are scored anew."
            )


@cache
def _open(folder: RunFolder, _mtime_ns: int) -> CertifiedScreening:
    certificate = find_certificate(read_plan(folder), folder)
    if certificate is None:
        raise RunFolderError(
            f"{folder.certificate_path} is not of this run, or the first stage beside it is another than the certified "
            "one. Delete it and run the inference flow again: the draws' scores are kept."
        )
    if not certificate.screen_sha256:
        return CertifiedScreening(certificate, None, None)
    own = RunFolder(folder.screening_path / certificate.draws_run)
    return CertifiedScreening(certificate, load_screen(screen_folder(folder)), DrawsRun(read_plan(own), own, folder))
