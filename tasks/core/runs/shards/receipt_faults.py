"""What is wrong with a shard's receipt, beside the plan."""

from collections.abc import Iterator

from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.findings import Finding, score_again
from tasks.core.runs.shards.receipts import Receipt


def no_receipt(folder: RunFolder, shard: Shard) -> Finding:
    """Say that a shard's receipt is missing, or torn."""
    path = folder.receipt_path(shard.number)
    name = path.relative_to(folder.path).as_posix()
    if path.is_file():
        return Finding("torn", name, "it cannot be read as a receipt", score_again(folder, shard.number))
    return Finding("missing", name, "the shard is not finished", "Go on with the run")


def is_foreign(plan: Plan, shard: Shard, receipt: Receipt) -> bool:
    """Say whether a receipt is of another run or shard than its place."""
    return (receipt.run_id, receipt.shard) != (plan.run_id, shard.number)


def receipt_faults(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt) -> Iterator[Finding]:
    """Check that a receipt is of this run and shard, that its counts add up and that it names its shard's files.

    Of one that is of something else, nothing more is checked.
    """
    name = folder.receipt_path(shard.number).relative_to(folder.path).as_posix()
    again = score_again(folder, shard.number)
    if is_foreign(plan, shard, receipt):
        problem = (
            f"it is of run {receipt.run_id}, shard {receipt.shard}, not of run {plan.run_id}, shard {shard.number}"
        )
        yield Finding("foreign", name, problem, again)
        return
    yield from (Finding("miscounted", name, problem, again) for problem in _miscounts(plan, shard, receipt))
    for other in sorted((receipt.files.keys() | receipt.sha256.keys()) - _own_files(plan, folder, shard, receipt)):
        yield Finding("foreign", name, f"it names {other}, which is no file of its shard", again)


def _own_files(plan: Plan, folder: RunFolder, shard: Shard, receipt: Receipt) -> set[str]:
    own = [folder.output_path(use.label, shard.number) for use in plan.engines]
    own += [folder.quarantine_path(shard.number)] if receipt.rows_quarantined else []
    return {path.relative_to(folder.path).as_posix() for path in own}


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
