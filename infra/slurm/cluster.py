"""A Dask cluster of SLURM jobs, one worker each; encrypted, kept at its size, and gone with the flow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import yaml

from infra.clusters.profiles import SlurmProfile
from infra.dask_workers.flow_run import link_dashboard, run_logger
from infra.dask_workers.keys import make_keys
from infra.dask_workers.pages import lock_pages
from infra.dask_workers.settings import dask_settings
from infra.errors import ClusterError
from infra.slurm.commands import Owner, cancel_all, cancel_left_over, this_owner
from infra.slurm.job_keeper import JobKeeper
from infra.slurm.jobqueue import job_class, jobqueue
from infra.slurm.private_folder import private_folder
from infra.slurm.script import job_options, job_script, require_submittable, write_environment


@contextmanager
def slurm_cluster(profile: SlurmProfile, name: str, folder: Path, exclusive: bool) -> Iterator[Any]:
    """Have `profile.workers` SLURM jobs, each with a Dask worker, until the block ends.

    Jobs that a dead flow process left are cancelled first. Logs of the jobs lie in `folder`, which all nodes see, and
    for as long as the cluster lives its keys, in a folder that only this user can read.

    Raises:
        ClusterError: SLURM refuses such a job, or does not answer.
    """
    owner = this_owner(name)
    if left_over := cancel_left_over(owner, exclusive):
        run_logger().warning("cancelled SLURM jobs that a dead flow process left: %s", ", ".join(left_over))
    with private_folder(folder, exclusive) as private:
        options = job_options(profile, owner, folder, private)
        require_submittable(job_script(options), folder)
        _set_dask(profile, private)
        write_environment(private)
        try:
            with _open(options, profile, private) as cluster, JobKeeper(cluster, profile, folder).running():
                link_dashboard(name, cluster.scheduler.http_server.port, lock_pages(cluster.scheduler))
                yield cluster
        finally:
            _clear_away(owner)


def _set_dask(profile: SlurmProfile, private: Path) -> None:
    """Set Dask here, and write the same settings into a file for the workers."""
    settings = dask_settings(profile.cpus, f"{profile.queue_timeout_minutes:g} minutes")
    dask.config.set(settings)
    content = yaml.safe_dump({"distributed": dask.config.get("distributed")})
    file = private / "dask.yaml"
    file.touch(mode=0o600)
    file.write_text(content, encoding="utf-8")


def _clear_away(owner: Owner) -> None:
    """Cancel jobs that the closed cluster has left; where SLURM does not answer, they end without their scheduler."""
    try:
        cancel_all(owner)
    except ClusterError as error:
        run_logger().warning("SLURM was not asked whether jobs are left over: %s", error)


def _open(options: dict[str, Any], profile: SlurmProfile, private: Path) -> Any:
    cluster = jobqueue().SLURMCluster(
        job_cls=job_class(),
        **options,
        security=make_keys(private),
        scheduler_options={"dashboard_address": "127.0.0.1:0"},
    )
    cluster.scale(jobs=profile.workers)
    return cluster
