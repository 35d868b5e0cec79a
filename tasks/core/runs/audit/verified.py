"""A run that was verified whole is not read again: only what changed since is, by the file system's own clock.

<run folder>/verified.json
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter

from tasks.core.base.code_version import code_version
from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.shards.findings import Finding


@dataclass(frozen=True)
class Verified:
    """What `verified.json` says."""

    since_ns: int
    """Nothing was wrong with what was last changed before this time (nanoseconds of the epoch)."""
    manifest: str
    """The manifest had this sha256."""
    winnow: dict[str, str]
    """This version of Winnow looked."""


VERIFIED = FileFormat(
    kind="record of a verification",
    number=1,
    schema=Verified,
    remedy="Delete it: the run is verified anew",
    check=TypeAdapter(Verified).validate_python,
)


def verify_once(path: Path, anew: bool = False) -> list[Finding]:
    """Verify a run folder and return what is wrong; where nothing is, that is noted there for the next time.

    Of a run that this version of Winnow found sound, a shard is read again if its receipt, a file of it or its sample's
    file changed since, as the inode's own time of change tells, which cannot be set; of the others receipts, and sizes
    of files, are compared. `anew` reads everything.

    Raises:
        RunFolderError: `path` is no run folder.
    """
    verification = Verification(path)
    folder = verification.folder
    if not anew:
        verification.since_ns = _verified_since(folder)
    writable = os.access(folder.path, os.W_OK)
    now_ns = _now_ns(folder) if writable else 0
    findings = list(verification.findings())
    if writable and not any(finding.is_error for finding in findings):
        said = Verified(now_ns, sha256_of_file(folder.manifest_path), code_version())
        write_record(folder.verified_path, VERIFIED, asdict(said))
    return findings


def _verified_since(folder: RunFolder) -> int | None:
    """Return since when files are to be read again; None where all are."""
    try:
        said = Verified(**read_record(folder.verified_path, VERIFIED))
        manifest = sha256_of_file(folder.manifest_path)
    except (FileNotFoundError, FormatError, TornRecordError):
        return None
    return said.since_ns if (said.manifest, said.winnow) == (manifest, code_version()) else None


def _now_ns(folder: RunFolder) -> int:
    """Return the time of the file system that the folder lies on."""
    with NamedTemporaryFile(dir=folder.path, prefix=".verified-", suffix=".tmp") as probe:
        return os.fstat(probe.fileno()).st_ctime_ns
