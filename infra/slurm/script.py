"""The script of a SLURM job with a Dask worker, and what SLURM says of it."""

import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.clusters.profiles import VARIABLE, AnyProfile, SlurmProfile
from infra.dask_workers.settings import passed_on
from infra.errors import ClusterError
from infra.slurm.commands import Owner, run_slurm, this_owner
from infra.slurm.jobqueue import jobqueue

ENVIRONMENT_FILE = "environment"
"""It lies in the private folder: the flow's variables that workers need, passwords among them, as lines of shell."""
_FIT_FOR_A_COMMAND_LINE = re.compile(r"[A-Za-z0-9_./+@:=,%~-]+")


def job_options(profile: SlurmProfile, owner: Owner, folder: Path, private: Path) -> dict[str, Any]:
    """Return what describes a job to dask_jobqueue.

    Raises:
        ClusterError: a path has a character that the job's script cannot carry.
    """
    _require_fit(folder, private, profile.python or sys.executable)
    lines = [f"--comment={owner.comment}", *([f"--qos={profile.qos}"] if profile.qos else [])]
    lines += [f"--gres=gpu:{profile.gpus}"] if profile.gpus else []
    return {
        "job_name": f"winnow-{owner.name}",
        # One Prefect task at a time a worker: its libraries use the job's CPUs.
        "cores": 1,
        "processes": 1,
        # A worker that dies ends its job, so that SLURM says why; a nanny would start another in what time is left.
        "nanny": False,
        "job_cpu": profile.cpus,
        "memory": f"{profile.memory_gib}GiB",
        "walltime": f"{profile.walltime_minutes // 60:02d}:{profile.walltime_minutes % 60:02d}:00",
        "queue": profile.partition,
        "account": profile.account,
        "interface": profile.interface,
        # In place of the shell: where SLURM goes by parents, it would end the shell and lose sight of the worker.
        "python": f"exec {profile.python or sys.executable}",
        "local_directory": profile.local_folder,
        "log_directory": str(folder),
        "death_timeout": profile.death_timeout_seconds,
        "job_extra_directives": [*lines, *profile.directives],
        "worker_extra_args": _worker_arguments(profile),
        "job_script_prologue": _prologue(profile, private),
    }


def _require_fit(*paths: Path | str) -> None:
    """Refuse paths that dask_jobqueue (0.9.0), which does not quote, would break."""
    for path in map(str, paths):
        if not _FIT_FOR_A_COMMAND_LINE.fullmatch(path):
            raise ClusterError(
                f"'{path}' stands in the script of SLURM jobs, where only letters, digits and _./+@:=,%~- are allowed: "
                "move the run's folder (work_path, inference.output_path) or the virtual environment"
            )


def _worker_arguments(profile: SlurmProfile) -> list[str]:
    """Return arguments of `dask worker`: SLURM alone watches the memory; nothing unencrypted leaves the node."""
    arguments = ["--memory-limit", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    arguments += ["--worker-class", "infra.dask_workers.retiring_worker.RetiringWorker"]
    arguments += ["--lifetime", f"{profile.lifetime_seconds}s"]
    return [*arguments, "--lifetime-stagger", f"{round(60 * profile.retire_spread_minutes)}s"]


def _prologue(profile: SlurmProfile, private: Path) -> list[str]:
    exports = {
        "OMP_NUM_THREADS": f"${{SLURM_CPUS_PER_TASK:-{profile.cpus}}}",
        "DASK_CONFIG": f"{private}/dask.yaml",
        "TOKENIZERS_PARALLELISM": "false",
        **profile.environment,
    }
    own = f". {private}/{ENVIRONMENT_FILE}"
    return [own, *(f'export {name}="{value}"' for name, value in exports.items()), *profile.prologue]


def write_environment(private: Path) -> None:
    """Write the file that a job's script reads: passwords are in it, so that they stand in no script.

    Raises:
        ClusterError: a variable's name is none that a shell can export; the shell would run the rest of it.
    """
    variables = passed_on()
    if wrong := [name for name in variables if not VARIABLE.fullmatch(name)]:
        raise ClusterError(
            f"the environment has {wrong}; names of variables that SLURM jobs need are letters, digits and _. Take "
            "them out of the shell or unit that starts the Prefect worker (`env -u NAME ...`)"
        )
    file = private / ENVIRONMENT_FILE
    file.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    file.write_text("".join(lines), encoding="utf-8")


def job_script(options: dict[str, Any]) -> str:
    """Return the script of a job, as it is submitted but for the worker's name and the scheduler's address."""
    script: str = jobqueue().SLURMCluster.job_cls("tls://SCHEDULER:PORT", name="WORKER", **options).job_script()
    return script


def example_script(profile: AnyProfile) -> str:
    """Return the script of a profile's jobs, for a person to read.

    Raises:
        ClusterError: the profile has no SLURM jobs.
    """
    if not isinstance(profile, SlurmProfile):
        raise ClusterError(f"the cluster profile is '{profile.kind}', which submits nothing to SLURM")
    with tempfile.TemporaryDirectory() as folder:
        options = job_options(profile, this_owner("ROUND-FLOW"), Path(folder), Path(folder, "KEYS"))
        return job_script(options).replace(folder, "LOGS")


def require_submittable(script: str, folder: Path) -> None:
    """Let SLURM check the script without submitting it.

    Raises:
        ClusterError: SLURM would refuse it; the message is SLURM's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".check-", suffix=".sh", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        try:
            run_slurm("sbatch", "--test-only", file.name)
        except ClusterError as refusal:
            lines = [line for line in script.splitlines() if line.startswith("#SBATCH")]
            asked = " ".join(line.removeprefix("#SBATCH ") for line in lines)
            raise ClusterError(f"SLURM refuses the profile's jobs: {refusal}. They ask for: {asked}") from None
