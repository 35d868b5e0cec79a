"""`winnow verify`: print what is wrong in a run folder as it is found, and what to do."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

from deployments.commands.status import DRY, go_on
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.open_run import is_only_planned
from tasks.core.runs.shards.findings import Finding
from tasks.core.runs.status.signs_of_life import read_launch


def report(verification: Verification, echo: Callable[[str], None], as_json: bool) -> bool:
    """Verify the run folder, print lines as findings come or one JSON at the end, and return whether it is sound."""
    if is_only_planned(verification.folder) and not as_json:
        echo("\n".join(["NOT SCORED", *DRY, *go_on(verification.command)]))
        return False
    findings = []
    for finding in verification.findings():
        findings.append(finding)
        if not as_json:
            echo(str(finding))
    sound = not any(finding.is_error for finding in findings)
    echo(_as_json(verification, findings, sound) if as_json else _summary(verification, findings, sound))
    return sound


def _summary(verification: Verification, findings: list[Finding], sound: bool) -> str:
    checked = (
        f"{verification.receipts:,} of {len(verification.plan.shards):,} shards, "
        f"{verification.files:,} files of {verification.bytes:,} bytes"
    )
    rows = ", ".join(f"{label} {rows:,}" for label, rows in verification.rows_out.items())
    counted = f"{verification.counts['rows_in']:,} rows in, {verification.counts['rows_quarantined']:,} quarantined"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in Counter(one.kind for one in findings).items())
    verdict = f"{'sound' if sound else 'NOT SOUND'}{f' ({kinds})' if kinds else ''}"
    line = f"{verdict}: run {verification.plan.run_id}, {checked}; {counted}; out: {rows or 'none'}"
    return line if sound else "\n".join([*_advice(verification), line])


def _advice(verification: Verification) -> list[str]:
    launch = read_launch(verification.folder)
    if launch is None or launch.is_gone:
        return ["to go on with the run:", *go_on(verification.command)]
    at_work = f"a launch is at work (process {launch.pid} on {launch.host}): what it has not finished is named too"
    return [f"{at_work}; when it has ended, go on with:", *go_on(verification.command)]


def _as_json(verification: Verification, findings: list[Finding], sound: bool) -> str:
    content = {
        "run_folder": str(verification.folder.path),
        "run_id": verification.plan.run_id,
        "sound": sound,
        "only_planned": is_only_planned(verification.folder),
        "shards": len(verification.plan.shards),
        "receipts": verification.receipts,
        "files": verification.files,
        "bytes": verification.bytes,
        "rows_in": verification.counts["rows_in"],
        "rows_out": dict(verification.rows_out),
        "rows_quarantined": verification.counts["rows_quarantined"],
        "findings": [asdict(finding) | {"is_error": finding.is_error} for finding in findings],
        "command": verification.command,
    }
    return json.dumps(content, indent=2)
