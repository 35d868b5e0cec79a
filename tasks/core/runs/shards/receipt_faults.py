"""What is wrong with a shard's receipt, beside the plan."""

from collections.abc import Iterator
from functools import cache
from math import isfinite
from pathlib import Path

import pyarrow as pa

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import sha256_of_file
from tasks.core.runs.folder import RunFolder, output_name, quarantine_name, receipt_name
from tasks.core.runs.parts import AUDITED, BY_EXPERT, STAGES
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.score_bins import FIRST_OF_EXPERT, read_counts
from tasks.core.runs.shards.findings import Finding, Kind, score_again
from tasks.core.runs.shards.planned_rows import are_rows_of
from tasks.core.runs.shards.receipts import BINS, Receipt


def no_receipt(folder: RunFolder, shard: Shard) -> Finding:
    """Say that a shard's receipt is missing, or torn."""
    if folder.receipt_path(shard.number).is_file():
        return receipt_fault(shard, "torn", "it cannot be read as a receipt")
    return Finding("missing", receipt_name(shard.number), "the shard is not finished", "Go on with the run")


def receipt_fault(shard: Shard, kind: Kind, problem: str) -> Finding:
    """Say what is wrong with a shard's receipt."""
    return Finding(kind, receipt_name(shard.number), problem, score_again(shard.number))


def require_same_rows(plan: Plan, shard: Shard, before: Receipt | None, rows: pa.Table) -> None:
    """Refuse rows that are not those that the shard was scored from: the run would hold some of both.

    Raises:
        RunFolderError: the receipt of then, where there is one of this run, has another sha256.
    """
    if before is None or is_foreign(plan, shard, before) or are_rows_of(plan, shard, rows, before.input_sha256):
        return
    raise RunFolderError(
        f"{plan.input_path(shard)} has other rows than when shard {shard.number} of run {plan.run_id} was scored, "
        "though by its footer it is the planned file. Put the former file back, or give the run another "
        "run_name: it is then scored anew, from the rows that are there now."
    )


def other_rows(plan: Plan, shard: Shard) -> Finding:
    """Say that the sample's file has other rows than the shard was scored from, though it claims to be as it was."""
    problem = (
        f"{plan.input_path(shard)} has other rows than shard {shard.number} was scored from, or cannot be read any "
        "more, though its footer and time of change are those of then"
    )
    return Finding(
        "altered", receipt_name(shard.number), problem, "Put the former file back, or score it as another run"
    )


def is_foreign(plan: Plan, shard: Shard, receipt: Receipt) -> bool:
    """Say whether a receipt is of another run or shard than its place."""
    return (receipt.run_id, receipt.shard) != (plan.run_id, shard.number)


def receipt_faults(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt) -> Iterator[Finding]:
    """Check that a receipt is of this run and shard, that its counts add up and that it names its shard's files.

    Of one that is of something else, nothing more is checked.
    """
    if is_foreign(plan, shard, receipt):
        problem = (
            f"it is of run {receipt.run_id}, shard {receipt.shard}, not of run {plan.run_id}, shard {shard.number}"
        )
        yield receipt_fault(shard, "foreign", problem)
        return
    problems = list(_miscounts(plan, shard, receipt)) or _odd(plan, receipt)
    yield from (receipt_fault(shard, "miscounted", problem) for problem in problems)
    standing = certificate_digest(plan, folder)
    if receipt.certificate != standing and (standing or not plan.inputs.screening):
        yield receipt_fault(shard, "foreign", "it was screened by another certificate than the one that stands")
    for other in sorted((receipt.files.keys() | receipt.sha256.keys()) - _own_files(plan, shard, receipt)):
        yield receipt_fault(shard, "foreign", f"it names {other}, which is no file of its shard")


def certificate_digest(plan: Plan, folder: RunFolder) -> str:
    """Return the sha256 of a screened run's certificate; nothing where there is none, or no screening."""
    if plan.inputs.screening is None or not folder.certificate_path.is_file():
        return ""
    stat = folder.certificate_path.stat()
    return _digest(folder.certificate_path, stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def _digest(path: Path, _mtime_ns: int, _ctime_ns: int) -> str:
    return sha256_of_file(path)


def _own_files(plan: Plan, shard: Shard, receipt: Receipt) -> set[str]:
    own = {output_name(use.label, shard.number) for use in plan.engines}
    return own | {quarantine_name(shard.number)} if receipt.rows_quarantined else own


def _miscounts(plan: Plan, shard: Shard, receipt: Receipt) -> Iterator[str]:
    labels = {use.label for use in plan.engines}
    if receipt.rows_in != shard.rows:
        yield f"it says {receipt.rows_in} rows in, but the plan has {shard.rows}"
    if receipt.rows_out.keys() != labels:
        yield f"it counts the labels {sorted(receipt.rows_out)}, but the plan has {sorted(labels)}"
    for label, rows in receipt.rows_out.items():
        if rows + receipt.rows_quarantined != receipt.rows_in:
            yield (
                f"it says {receipt.rows_in} rows in, but label '{label}' has {rows} out and {receipt.rows_quarantined} "
                "are quarantined"
            )


def _odd(plan: Plan, receipt: Receipt) -> Iterator[str]:
    """Yield what no attempt writes: labels that are not the plan's, numbers that count nothing."""
    labels = {use.label for use in plan.engines}
    for name, said in (("variants", set(receipt.variants)), ("histograms", set(receipt.histograms))):
        if said != labels:
            yield f"it has {name} of the labels {sorted(said)}, but the plan has {sorted(labels)}"
    yield from (f"its {name} is {number}, which is no count" for name, number in _numbers(receipt) if number < 0)
    for label, bins in receipt.histograms.items():
        if len(bins) != BINS or sum(bins) != _scored_by_expert(receipt, label):
            yield (
                f"the histogram of label '{label}' has {sum(bins)} scores in {len(bins)} bins, but "
                f"{_scored_by_expert(receipt, label)} in {BINS} were written"
            )
    yield from _odd_counts(labels, receipt)
    yield from _odd_screening(plan, receipt)


def _odd_counts(labels: set[str], receipt: Receipt) -> Iterator[str]:
    """Yield where the counts of scores by bins are not those of the rows; 0.1.0 counted none."""
    if receipt.score_counts and receipt.score_counts.keys() != labels:
        yield f"it has score_counts of the labels {sorted(receipt.score_counts)}, but the plan has {sorted(labels)}"
    for label, text in receipt.score_counts.items():
        try:
            bins, counts = read_counts(text)
        except ValueError as error:
            yield f"the score_counts of label '{label}' cannot be read: {error}"
            continue
        found = int(counts.sum()), int(counts[bins >= FIRST_OF_EXPERT].sum())
        if found != (receipt.rows_out.get(label), _scored_by_expert(receipt, label)):
            yield (
                f"the score_counts of label '{label}' are of {found[0]} scores, {found[1]} of them the expert's, but "
                f"{receipt.rows_out.get(label)} were written, {_scored_by_expert(receipt, label)} of them the expert's"
            )


def _scored_by_expert(receipt: Receipt, label: str) -> int | None:
    """Return how many rows have an expert's score of a label: all, where nothing was screened out."""
    screened = receipt.screened.get(label)
    return sum(screened.stages.get(stage, 0) for stage in BY_EXPERT) if screened else receipt.rows_out.get(label)


def _odd_screening(plan: Plan, receipt: Receipt) -> Iterator[str]:
    """Yield where stages and rows do not balance."""
    labels = {use.label for use in plan.engines} if plan.inputs.screening else set()
    if receipt.screened.keys() != labels:
        yield f"it says what was screened of the labels {sorted(receipt.screened)}, and should of {sorted(labels)}"
    for label, rows in receipt.screened.items():
        if sum(rows.stages.values()) != receipt.rows_out.get(label) or set(rows.stages) - set(STAGES):
            yield (
                f"label '{label}' has {receipt.rows_out.get(label)} rows out, but its stages {rows.stages} give "
                f"{sum(rows.stages.values())}"
            )
        counts = (*rows.stages.values(), rows.top, rows.audited_top)
        if min(counts) < 0 or rows.audited_top > rows.stages.get(AUDITED, 0):
            yield f"label '{label}' counts {rows}, which no screening gives"


def _numbers(receipt: Receipt) -> Iterator[tuple[str, float]]:
    """Yield every number of a receipt with its name."""
    for name, value in vars(receipt).items():
        if isinstance(value, int | float):
            yield name, value if isfinite(value) else -1
        elif name in ("rows_out", "files", "stage_seconds", "stage_rows"):
            yield from value.items()
        elif name == "histograms":
            yield from ((name, number) for bins in value.values() for number in bins)
