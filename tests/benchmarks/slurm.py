"""A round's inference on a real SLURM of four nodes, with the full stack: what goes wrong, and what it costs.

Run with `make bench NAME=slurm`. Writes .winnow/bench/slurm.json.

drills, drills_failed     random troubles (cancelled, requeued, killed, timed-out jobs, lost and drained nodes, killed
drill_seed                flow processes, restarted servers) in runs that must end balanced, with the undisturbed scores
                          to the last bit; WINNOW_DRILLS (default 50) and WINNOW_DRILL_SEED set them.
efficiency_4_workers      CPU seconds of scoring real tweets for five labels with one worker, over those with four.
efficiency_4_processes    the same of processes that nothing is around: what the machine itself makes of four.
4_workers_over_processes  shards a CPU second of four workers, over those of four such processes.
orchestration_2000_shards_seconds   wall time of the inference flow on 2,000 shards of a model of no cost with four
                          workers, beyond its workers' own time.
orchestration_share_2000_shards     of that in a run whose shards take 30 s.
prefect_server_mebibytes  resident memory of Prefect's server before and after those 2,000 shards, and the growth of its
prefect_database_mebibytes_grown    database in PostgreSQL.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from infra.local_slurm.control import down, up
from infra.local_slurm.settings import SlurmSettings
from infra.services import stack
from infra.services.process import running_process
from infra.services.settings import ServiceSettings
from tests.benchmarks.orchestration import SHARDS
from tests.benchmarks.report import write_report
from tests.benchmarks.slurm_efficiency import efficiency
from tests.support.ports import free_port
from tests.support.slurm_profiles import write_profile
from tests.support.stack_clients import rows

WORKERS = 4
SHARD_SECONDS = 30
DRILLS = os.environ.get("WINNOW_DRILLS", "50")
FOLDER = Path(".winnow/bench/slurm")


def main() -> None:
    """Do the drills, then measure on a quiet cluster."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    report = _drills()
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = up(SlurmSettings(Path(folder)))
        os.environ |= cluster.environment
        try:
            profile = str(Path(write_profile(FOLDER, workers=WORKERS)).resolve())
            report |= efficiency(FOLDER, WORKERS) | _orchestration(profile)
        finally:
            down(cluster.folder)
    write_report("slurm", report)


def _drills() -> dict[str, Any]:
    """Run the random drills as their test does."""
    path = (FOLDER / "drills.json").resolve()
    seed = os.environ.get("WINNOW_DRILL_SEED", str(random.SystemRandom().randrange(2**32)))
    variables = {"WINNOW_DRILLS": DRILLS, "WINNOW_DRILL_SEED": seed, "WINNOW_DRILL_REPORT": str(path)}
    test = "tests/drills/test_slurm_random.py"
    subprocess.run([sys.executable, "-m", "pytest", "-q", test], env={**os.environ, **variables}, check=False)
    found = json.loads(path.read_text())
    return {key: found[key] for key in ("drills", "drills_failed", "drill_seed")} | {
        "launches": sum(run["launches"] for run in found["runs"]),
        "drill_runs": len(found["runs"]),
    }


def _orchestration(profile: str) -> dict[str, Any]:
    """Run 2,000 shards on the full stack."""
    home = Path(tempfile.mkdtemp(prefix="winnow-"))
    home.chmod(0o755)
    settings = ServiceSettings(home, free_port(), free_port(), free_port(), free_port(), stack="full")
    with stack.running(settings):
        before = _server(settings)
        found = _run_flows(settings.environment, profile)
        after = _server(settings)
    seconds = found["orchestration_2000_shards_seconds"]
    return found | {
        "orchestration_share_2000_shards": seconds / (SHARDS * SHARD_SECONDS / WORKERS + seconds),
        "prefect_server_mebibytes": [before["memory"], after["memory"]],
        "prefect_database_mebibytes_grown": after["database"] - before["database"],
    }


def _run_flows(environment: dict[str, str], profile: str) -> dict[str, Any]:
    """Run the flows in a process that knows the stack's servers: Prefect reads its settings when it is imported."""
    folder = (FOLDER / "orchestration").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.benchmarks.orchestration", str(folder), str(WORKERS), profile]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _server(settings: ServiceSettings) -> dict[str, float]:
    """Return the memory of Prefect's server and the size of its database, in MiB."""
    service = next(service for service in stack.services(settings) if service.name == "prefect-server")
    process = running_process(service)
    assert process is not None
    family: list[psutil.Process] = [process, *process.children(recursive=True)]
    ((size,),) = rows(settings, "prefect", "select pg_database_size('prefect')")
    return {"memory": sum(one.memory_info().rss for one in family) / 2**20, "database": size / 2**20}


if __name__ == "__main__":
    main()
