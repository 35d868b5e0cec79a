"""An attempt at a shard: its parts lie under a name of its own until its receipt is the shard's first.

launch/<token>/.00042-<attempt>.tmp/output/<LABEL>/part-00042.parquet   an attempt's parts, while it is scored
receipts/00042.json                                                     linked: the first one wins, none is replaced
output/<LABEL>/part-00042.parquet                                       renamed after that, by whoever comes by

The receipt says whose attempt it is, so that another worker or launch can put the parts in their places when the first
one dies between the two. Files of attempts without a receipt are worth nothing, and go.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tasks.core.base.errors import FormatError, RunFolderError
from tasks.core.base.files import full_disk_named, link_first, sha256_of_file, write_json
from tasks.core.base.hold import discard, lost_hold_named, place_for
from tasks.core.base.naming.run_names import attempt_folder, attempted_shard, new_attempt, parse_attempt, shard_record
from tasks.core.base.syncing import fsync
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.make_way import make_way
from tasks.core.runs.shards.receipts import RECEIPT, Receipt, read_receipt
from tasks.core.runs.shards.wholeness import is_whole, resume


@dataclass
class Attempt:
    """One try at a shard."""

    folder: RunFolder
    shard: Shard
    name: str
    path: Path
    """The attempt's own files lie here."""
    is_first: bool = False
    """The attempt's receipt is the shard's."""

    @property
    def receipt_path(self) -> Path:
        """The attempt's receipt, before it is the shard's."""
        return self.path / shard_record(self.shard.number)

    def own(self, path: Path) -> Path:
        """Return where the attempt writes what belongs to `path` in the run folder."""
        return self.path / path.relative_to(self.folder.path)

    def commit(self, plan: Plan, receipt: Receipt) -> Receipt:
        """Make the attempt the shard's, and return its receipt; where another was first, return that one's.

        Raises:
            LaunchLostError: another launch has taken over the run folder; nothing was changed.
            RunFolderError: another receipt stands, but its shard is not whole.
            DiskFullError: there is no room for the shard's files.
        """
        path = self.folder.receipt_path(self.shard.number)
        with full_disk_named(path), lost_hold_named(self.folder.path):
            own = self._with_files(receipt)
            for place in (path, *(self.folder.path / name for name in own.files)):
                place.parent.mkdir(parents=True, exist_ok=True)
            self.is_first = self._link(plan, own)
            if self.is_first:
                _publish(self.folder, own, self.path)
        return own if self.is_first else _others(plan, self.folder, self.shard)

    def _with_files(self, receipt: Receipt) -> Receipt:
        parts = {path.relative_to(self.path).as_posix(): path for path in _parts(self.path)}
        return replace(
            receipt,
            files={name: path.stat().st_size for name, path in parts.items()},
            sha256={name: sha256_of_file(path) for name, path in parts.items()},
            attempt=self.name,
        )

    def _link(self, plan: Plan, receipt: Receipt) -> bool:
        made, path = self.receipt_path, self.folder.receipt_path(self.shard.number)
        write_json(made, RECEIPT.sign(asdict(receipt)))
        if link_first(made, path):
            return True
        if place_for(path) is not None or _whole(plan, self.folder, self.shard) is not None:
            return False
        make_way(plan, self.folder, [self.shard.number])  # a launch has done so before; outside one, nobody has
        return link_first(made, path)


@contextmanager
def attempt(folder: RunFolder, shard: Shard) -> Iterator[Attempt]:
    """Try a shard: in the launch's own place, or beside the run's files outside a launch.

    What is left of an attempt that did not become the shard's is removed.

    Raises:
        LaunchLostError: another launch has taken over the run folder.
    """
    name = new_attempt(shard.number)
    tried = Attempt(folder, shard, name, _place(folder, name))
    with lost_hold_named(folder.path):
        tried.path.mkdir()
    try:
        yield tried
    finally:
        if not _stands(tried):
            shutil.rmtree(tried.path, ignore_errors=True)


def _stands(tried: Attempt) -> bool:
    """Say whether the attempt's receipt is the shard's, also where a fault struck just after it became so."""
    try:
        return tried.is_first or tried.folder.receipt_path(tried.shard.number).samefile(tried.receipt_path)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # nobody knows: the next worker or launch finds out


def settled(plan: Plan, folder: RunFolder, shard: Shard) -> Receipt | None:
    """Return the receipt of a shard whose worker died before its parts were in their places, having put them there."""
    receipt = read_receipt(folder, shard.number)
    if receipt is None or not _names_own(receipt, shard) or not _place(folder, receipt.attempt).is_dir():
        return None
    _publish(folder, receipt, _place(folder, receipt.attempt))
    return _whole(plan, folder, shard)


def _names_own(receipt: Receipt, shard: Shard) -> bool:
    """Say whether a receipt names an attempt at its own shard: another one's files are not to be moved or removed."""
    name = parse_attempt(attempt_folder(receipt.attempt))
    return name is not None and attempted_shard(name) == shard.number


def settle_left(folder: RunFolder, place: Path) -> None:
    """Put the parts of attempts that won into their places, from a place whose launch has ended, and remove the place.

    What cannot be put there is scored again.
    """
    for path in (place, *_inside(place)):
        name = parse_attempt(path.name)
        if name is not None:
            with suppress(FormatError, OSError):
                receipt = read_receipt(folder, attempted_shard(name))
                if receipt is not None and receipt.attempt == name:
                    _publish(folder, receipt, path)
    shutil.rmtree(place, ignore_errors=True)


def _publish(folder: RunFolder, receipt: Receipt, path: Path) -> None:
    """Put the parts of a standing receipt's attempt into their places; what is not there, another has put there."""
    parents = set()
    for part in _parts(path):
        place = folder.path / part.relative_to(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            part.replace(place)
        parents.add(place.parent)
    if not receipt.rows_quarantined:
        discard(folder.quarantine_path(receipt.shard))
    for parent in sorted(parents):
        fsync(parent)
    shutil.rmtree(path, ignore_errors=True)


def _others(plan: Plan, folder: RunFolder, shard: Shard) -> Receipt:
    """Return the receipt that was first."""
    receipt = settled(plan, folder, shard) or _whole(plan, folder, shard)
    if receipt is None:
        raise RunFolderError(
            f"{folder.receipt_path(shard.number)} was written by another worker meanwhile, but the shard's files are "
            "not whole. Run the inference flow again: it scores the shard anew."
        )
    return receipt


def _whole(plan: Plan, folder: RunFolder, shard: Shard) -> Receipt | None:
    receipt = read_receipt(folder, shard.number)
    return receipt if is_whole(plan, folder, shard, receipt, resume(plan, [shard])) else None


def _place(folder: RunFolder, name: str) -> Path:
    return (place_for(folder.path) or folder.path) / attempt_folder(name)


def _inside(place: Path) -> list[Path]:
    """Return what a launch's place holds; nothing where the launch itself has just removed it."""
    try:
        return list(place.iterdir())
    except FileNotFoundError:
        return []


def _parts(path: Path) -> list[Path]:
    """Return an attempt's parts; its receipt lies outside their folders."""
    found = [Path(where, name) for where, _, names in os.walk(path) for name in names if Path(where) != path]
    return sorted(found)
