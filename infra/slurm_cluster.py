"""A Dask cluster of SLURM jobs, one worker each; encrypted, kept at its size, and gone with the flow."""

import copy
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import yaml

from infra.dask_settings import dask_settings, passed_on
from infra.errors import ClusterError
from infra.flow_run import link_dashboard, run_logger
from infra.job_keeper import JobKeeper
from infra.keys import make_keys
from infra.profiles import AnyProfile, SlurmProfile
from infra.slurm_jobs import Owner, cancel_all, cancel_left_over, run_slurm, this_process

KEYS = "private-"
"""First part of the name of a folder of keys; the process that made it follows."""


@contextmanager
def slurm_cluster(profile: SlurmProfile, name: str, folder: Path, exclusive: bool) -> Iterator[Any]:
    """Have `profile.workers` SLURM jobs, each with a Dask worker, until the block ends.

    Jobs that a dead flow process left are cancelled first. Logs of the jobs lie in `folder`, which all nodes see, and
    for as long as the cluster lives its keys, in a folder that only this user can read.

    Raises:
        ClusterError: SLURM refuses such a job, or does not answer.
    """
    owner = this_process(name)
    if left_over := cancel_left_over(owner, exclusive):
        run_logger().warning("cancelled SLURM jobs that a dead flow process left: %s", ", ".join(left_over))
    with _private_folder(folder) as private:
        options = job_options(profile, owner, folder, private)
        require_submittable(job_script(options), folder)
        _set_dask(profile, private / "dask.yaml")
        try:
            with _open(options, profile, private) as cluster, JobKeeper(cluster, profile, folder).running():
                link_dashboard(name, cluster.scheduler.http_server.port)
                yield cluster
        finally:
            cancel_all(owner)


def _set_dask(profile: SlurmProfile, file: Path) -> None:
    """Set Dask here, and write the same settings into a file for the workers, with variables they need."""
    settings = dask_settings(profile.cpus, f"{profile.queue_timeout_minutes:g} minutes")
    # The keeper replaces jobs; Dask, at this timeout, would cancel one that took a lost worker's name and waits.
    settings["distributed.deploy.lost-worker-timeout"] = "365 days"
    dask.config.set(settings)
    nested = copy.deepcopy(dask.config.get("distributed"))
    nested["nanny"]["pre-spawn-environ"] |= passed_on()
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump({"distributed": nested}), encoding="utf-8")


def _open(options: dict[str, Any], profile: SlurmProfile, private: Path) -> Any:
    cluster = _jobqueue().SLURMCluster(
        **options,
        security=make_keys(private),
        scheduler_options={"dashboard_address": "127.0.0.1:0"},
    )
    cluster.scale(jobs=profile.workers)
    return cluster


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
    script: str = _jobqueue().SLURMCluster.job_cls("tls://SCHEDULER:PORT", name="WORKER", **options).job_script()
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


@contextmanager
def _private_folder(folder: Path) -> Iterator[Path]:
    """Have a folder for keys that only this user can read; those of processes that died are removed."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    own = this_process("")
    for left in folder.glob(f"{KEYS}*"):
        host, pid, started, _ = left.name.removeprefix(KEYS).rsplit("-", 3)
        if Owner("", host, int(pid), int(started)).is_gone():
            shutil.rmtree(left, ignore_errors=True)
    private = tempfile.mkdtemp(prefix=f"{KEYS}{own.host}-{own.pid}-{own.started}-", dir=folder)
    try:
        yield Path(private)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _jobqueue() -> Any:
    """Import dask_jobqueue, which takes Ctrl-C for itself (0.9.0), and give Ctrl-C back."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        raise ClusterError("a SLURM cluster is opened in a process's main thread; call the flow from there")
    import dask_jobqueue  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, before)
    return dask_jobqueue
