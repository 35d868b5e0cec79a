"""Verify a run folder from its files alone: every receipt, every file, every row, the manifest's counts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.formats import read_record
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.runs.audit.stray_files import Expected, stray_files
from tasks.core.runs.folder import RunFolder, receipt_name
from tasks.core.runs.manifest import MANIFEST
from tasks.core.runs.open_run import continue_command, open_run
from tasks.core.runs.plan import Shard
from tasks.core.runs.shards.findings import Finding
from tasks.core.runs.shards.planned_rows import state_of
from tasks.core.runs.shards.receipt_faults import is_foreign
from tasks.core.runs.shards.receipts import Receipt, read_receipt
from tasks.core.runs.shards.wholeness import AUDIT, STATUS, shard_faults

RENEW = "Delete it and go on with the run: it is written anew"


class Verification:
    """A verification under way; its sums grow while `findings` is read to its end. One shard is in memory at a time.

    Raises:
        RunFolderError: `path` is no run folder.
    """

    def __init__(self, path: Path) -> None:
        self.plan, self.folder = open_run(path)
        self.command = continue_command(self.plan, self.folder)
        self.since_ns: int | None = None
        """Shards of which no file changed at this time (nanoseconds of the epoch) or later were read before; None reads
        all."""
        self.receipts = 0
        self.files = 0
        self.bytes = 0
        self.rows_out: Counter[str] = Counter()
        """Scores by label, of shards whose receipt can be read."""
        self.counts: Counter[str] = Counter()
        """Sums of the receipts' other counts, such as `rows_in`."""
        self.variants: dict[str, Counter[str]] = {}
        self._unquarantined: set[int] = set()

    def findings(self) -> Iterator[Finding]:
        """Check everything and yield what is wrong as it is found: by shard, then strays, then the manifest."""
        name = parse_run_folder_name(self.folder.path.name)
        if name is not None and name.run_id != self.plan.run_id:
            problem = f"the plan is of run {self.plan.run_id}, the folder's name says {name.run_id}"
            yield Finding("foreign", self.folder.plan_path.name, problem, "Give the folder the name that it had")
        for shard in self.plan.shards:
            yield from self._check_shard(shard)
        yield from stray_files(Expected(self.plan, self.folder, self._unquarantined))
        yield from self._check_manifest()
        if self.plan.inputs.screening:
            yield from self._check_screening()

    def _check_screening(self) -> Iterator[Finding]:
        """Check that a screened run has its certificate, and the finished runs of its draws."""
        if not self.folder.certificate_path.is_file():
            name = self.folder.certificate_path.name
            yield Finding("missing", name, "nothing says what is promised", "Go on with the run")
        for path in sorted(self.folder.screening_path.glob("iter_*")):
            if RunFolder(path).manifest_path.is_file():
                below = path.relative_to(self.folder.path)
                drawn = Verification(path)
                drawn.since_ns = self.since_ns
                yield from (replace(found, path=f"{below}/{found.path}") for found in drawn.findings())

    def _check_shard(self, shard: Shard) -> Iterator[Finding]:
        try:
            receipt = read_receipt(self.folder, shard.number)
        except FormatError as error:
            yield Finding("foreign", receipt_name(shard.number), str(error), "Verify with that version")
            return
        if receipt is not None and not is_foreign(self.plan, shard, receipt):
            self._add(receipt)
        look = AUDIT if self._changed(shard, receipt) else STATUS
        yield from shard_faults(self.plan, self.folder, shard, receipt, look)

    def _changed(self, shard: Shard, receipt: Receipt | None) -> bool:
        """Say whether a file that a shard was made of or made may have changed since all were read."""
        if self.since_ns is None or receipt is None:
            return True
        own = [self.folder.receipt_path(shard.number), *(self.folder.path / name for name in receipt.files)]
        states = [state_of(path) for path in own]
        sample = state_of(self.plan.input_path(shard))  # it may lie on a file system of another clock
        states += [sample] if sample != (receipt.input_mtime_ns, receipt.input_ctime_ns) else []
        return any(max(state) >= self.since_ns for state in states if state is not None)

    def _add(self, receipt: Receipt) -> None:
        self.receipts += 1
        self.files += len(receipt.files)
        self.bytes += sum(receipt.files.values())
        self.rows_out.update(receipt.rows_out)
        for label, variant in receipt.variants.items():
            self.variants.setdefault(label, Counter())[variant] += 1
        self.counts.update({key: value for key, value in vars(receipt).items() if type(value) is int})
        if not receipt.rows_quarantined:
            self._unquarantined.add(receipt.shard)

    def _check_manifest(self) -> Iterator[Finding]:
        name = self.folder.manifest_path.name
        try:
            manifest = read_record(self.folder.manifest_path, MANIFEST)
            wrong = list(self._wrong_in(manifest))
        except FileNotFoundError:
            yield Finding("missing", name, "the run is not finished", "Go on with the run")
        except FormatError as error:
            yield Finding("foreign", name, str(error), "Verify with that version")
        except TornRecordError as error:
            yield Finding("torn", name, str(error), RENEW)
        else:
            yield from (Finding("miscounted", name, problem, RENEW) for problem in wrong)

    def _wrong_in(self, manifest: dict[str, Any]) -> Iterator[str]:
        """Compare the manifest with the plan and, when every shard has a receipt, with the receipts' sums."""
        counts = manifest["counts"]
        inputs = asdict(self.plan.inputs) | {"sample_name": self.plan.sample_name}
        planned = _without(inputs.pop("engines"), "folder")
        said = {key: manifest[key] for key in ("run_id", "shards")}
        said |= {"engines": _without(manifest["engines"], "folder", "variants")}
        inputs["screening"] = _as_said(inputs["screening"])
        settings = manifest["settings"] | {"screening": _as_said(manifest["settings"].get("screening"))}
        said |= {"settings": {key: settings.get(key) for key in inputs}}
        found: dict[str, Any] = {"run_id": self.plan.run_id, "shards": len(self.plan.shards)}
        found |= {"engines": planned, "settings": inputs}
        if self.receipts == len(self.plan.shards):
            keys = {"rows_in", "rows_out", "rows_quarantined", *(counts.keys() & self.counts.keys())}
            said |= {key: counts[key] for key in sorted(keys)}
            found |= dict(self.counts) | {"rows_out": dict(self.rows_out)}
            said["variants"] = {use["label"]: use["variants"] for use in manifest["engines"]}
            found["variants"] = {label: dict(variants) for label, variants in self.variants.items()}
        for key, value in said.items():
            if value != found[key]:
                yield f"{key} is {value}, but by plan and receipts it is {found[key]}"


def _as_said(screening: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what is said of a screening, as the manifest does and without where its students' copies lie."""
    return screening and screening | {"students": _without(list(screening.get("students", [])), "folder")}


def _without(records: list[dict[str, Any]], *left_out: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key not in left_out} for record in records]
