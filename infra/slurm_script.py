"""The script of a SLURM job with a Dask worker, and what SLURM says of it."""

import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from infra.errors import ClusterError
from infra.profiles import AnyProfile, SlurmProfile
from infra.slurm_jobs import Owner, run_slurm, this_process


def job_options(profile: SlurmProfile, owner: Owner, folder: Path, private: Path) -> dict[str, Any]:
    """Return what describes a job to dask_jobqueue."""
    lines = [f"--comment={owner.comment}", *([f"--qos={profile.qos}"] if profile.qos else [])]
    lines += [f"--gres=gpu:{profile.gpus}"] if profile.gpus else []
    return {
        "job_name": f"winnow-{owner.name}",
        # One Prefect task at a time a worker: its libraries use the job's CPUs.
        "cores": 1,
        "processes": 1,
        "job_cpu": profile.cpus,
        "memory": f"{profile.memory_gib}GiB",
        "walltime": f"{profile.walltime_minutes // 60:02d}:{profile.walltime_minutes % 60:02d}:00",
        "queue": profile.partition,
        "account": profile.account,
        "interface": profile.interface,
        "python": profile.python,
        "local_directory": profile.local_folder,
        "log_directory": str(folder),
        "death_timeout": profile.death_timeout_seconds,
        "job_extra_directives": [*lines, *profile.directives],
        "worker_extra_args": _worker_arguments(profile),
        "job_script_prologue": _prologue(profile, private),
    }


def _worker_arguments(profile: SlurmProfile) -> list[str]:
    """Return arguments of `dask worker`: SLURM alone watches the memory; nothing unencrypted leaves the node."""
    arguments = ["--memory-limit", "0", "--dashboard-address", "127.0.0.1:0"]
    arguments += ["--lifetime", f"{profile.lifetime_seconds}s"]
    return [*arguments, "--lifetime-stagger", f"{round(60 * profile.retire_spread_minutes)}s"]


def _prologue(profile: SlurmProfile, private: Path) -> list[str]:
    exports = {
        "OMP_NUM_THREADS": f"${{SLURM_CPUS_PER_TASK:-{profile.cpus}}}",
        "DASK_CONFIG": f"{private}/dask.yaml",
        "TOKENIZERS_PARALLELISM": "false",
        **profile.environment,
    }
    return [*(f'export {name}="{value}"' for name, value in exports.items()), *profile.prologue]


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
        options = job_options(profile, this_process("ROUND-FLOW"), Path(folder), Path(folder, "KEYS"))
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


def job_class() -> Any:
    """Return dask_jobqueue's job, mended (0.9.0): its status when it closes, and its number behind a site's banner."""
    from distributed import Status  # noqa: PLC0415 - with the import below

    class SlurmJob(jobqueue().slurm.SLURMJob):  # type: ignore[misc]
        job_id_regexp = r"Submitted batch job (?P<job_id>\d+)"

        async def close(self) -> None:
            """Cancel the job; a cluster does not close with jobs that do not say that they are closed."""
            await super().close()
            self.status = Status.closed

    return SlurmJob


def jobqueue() -> Any:
    """Import dask_jobqueue, which takes Ctrl-C for itself (0.9.0), and give Ctrl-C back."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        raise ClusterError("a SLURM cluster is opened in a process's main thread; call the flow from there")
    import dask_jobqueue  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, before)
    return dask_jobqueue
