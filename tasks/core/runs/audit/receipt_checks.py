"""Check a shard's receipt against the plan."""

from collections.abc import Iterator

from tasks.core.runs.audit.findings import Finding, score_again
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.receipts import Receipt


def no_receipt(folder: RunFolder, shard: Shard) -> Finding:
    """Say that a shard's receipt is missing, or torn."""
    path = folder.receipt_path(shard.number)
    name = path.relative_to(folder.path).as_posix()
    if path.is_file():
        return Finding("torn", name, "it cannot be read as a receipt", score_again(folder, shard.number))
    return Finding("missing", name, "the shard is not finished", "Go on with the run")


def check_receipt(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt) -> Iterator[Finding]:
    """Check that a receipt is of this run and shard, that its counts add up and that it names its shard's files.

    Of one that is of something else, nothing more is checked.
    """
    name = folder.receipt_path(shard.number).relative_to(folder.path).as_posix()
    again = score_again(folder, shard.number)
    if (receipt.run_id, receipt.shard) != (plan.run_id, shard.number):
        problem = (
            f"it is of run {receipt.run_id}, shard {receipt.shard}, not of run {plan.run_id}, shard {shard.number}"
        )
        yield Finding("foreign", name, problem, again)
        return
    yield from (Finding("miscounted", name, problem, again) for problem in _miscounts(plan, shard, receipt))
    own = [folder.output_path(use.label, shard.number) for use in plan.engines]
    own += [folder.quarantine_path(shard.number)] if receipt.rows_quarantined else []
    expected = {path.relative_to(folder.path).as_posix() for path in own}
    for other in sorted((receipt.files.keys() | receipt.sha256.keys()) - expected):
        yield Finding("foreign", name, f"it names {other}, which is no file of its shard", again)


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
