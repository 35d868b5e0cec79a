"""A cluster profile's checks: may its jobs be submitted, and what does a node of it find?"""

import json
import platform
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployments.doctor.check import FREE_BYTES, Check
from deployments.doctor.node import packages
from infra.clusters.profiles import AddressProfile, AnyProfile, LocalProfile, SlurmProfile, read_profile
from infra.errors import ClusterError, InfrastructureError
from infra.slurm.node_job import run_on_node

REMEDIES = {
    "servers": "nodes need an address they can reach: see WINNOW_HOST and WINNOW_PUBLIC_HOST in infra/README.md",
    "folders": "use a folder of the shared file system that nodes may write to",
    "engines": "the node's CPU or files differ: convert on such a node, or choose nodes by the profile's directives",
}


def check_profile(name: str, users: str, work_path: Path, request: dict[str, Any], wait_s: int) -> Iterator[Check]:
    """Check a profile, and what a node of it finds."""
    title = f"cluster profile '{name}' ({users})"
    try:
        profile = read_profile(name)
        if isinstance(profile, AddressProfile):
            yield Check(title, None, f"workers of {profile.address} are checked when a flow measures a run on one")
            return
        found = _ask_node(profile, work_path, request, wait_s)
    except InfrastructureError as error:
        yield Check(title, False, str(error), "see 'Profiles' in infra/README.md, then mend the profile's file")
        return
    where = f"{found['host']}, {found['processor']}, {found['threads']} threads"
    yield Check(title, True, f"a job ran on {where}" if isinstance(profile, SlurmProfile) else where)
    yield from judge(name, profile, found)


def _ask_node(
    profile: LocalProfile | SlurmProfile, work_path: Path, request: dict[str, Any], wait_s: int
) -> dict[str, Any]:
    folder = work_path / "logs" / "doctor"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"request-{uuid.uuid4().hex}.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    try:
        output = run_on_node(profile, folder, "deployments.doctor.node", [str(file)], wait_s)
    finally:
        file.unlink()
    answers = [line for line in output.splitlines() if line.startswith('{"host"')]
    if not answers:
        raise ClusterError(f"the job on a node printed no answer, but: {output[-500:]!r}")
    found: dict[str, Any] = json.loads(answers[-1])
    return found


def judge(name: str, profile: AnyProfile, found: dict[str, Any]) -> Iterator[Check]:
    """Judge what a node of a profile found."""
    here = {"python": platform.python_version(), **packages()}
    there = {"python": found["python"], **found["packages"]}
    others = [
        f"{each} {there.get(each)}, here {version}" for each, version in here.items() if there.get(each) != version
    ]
    yield Check(
        f"{name}: same Python and packages as here",
        not others,
        "; ".join(others[:5]) or f"Python {found['python']}, {len(here) - 1} packages",
        "put the virtual environment on the shared file system, or set the profile's `python` to it",
    )
    for kind, remedy in REMEDIES.items():
        for what, error in found[kind].items():
            yield Check(f"{name}: {kind[:-1]} {what}", error is None, error or "works from there", remedy)
    if isinstance(profile, SlurmProfile) and profile.gpus:
        enough = len(found["gpus"]) >= profile.gpus
        yield Check(f"{name}: GPUs", enough, ", ".join(found["gpus"]) or "none", "see the profile's partition and gpus")
    free = found["scratch"]["free_bytes"]
    scratch = f"{name}: scratch {found['scratch']['folder']}"
    remedy = "set TMPDIR, and local_folder of the profile, to a larger disk of the node"
    yield Check(scratch, free > FREE_BYTES, f"{free / 1e9:,.1f} GB free", remedy)
