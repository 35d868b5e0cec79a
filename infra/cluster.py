"""The one factory of Dask clusters: worker processes, SLURM jobs, or a scheduler that already runs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster, Security
from prefect.task_runners import TaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from infra.clusters.profiles import AddressProfile, AnyProfile, LocalProfile
from infra.dask_workers.credentials import hand_over
from infra.dask_workers.keys import read_keys
from infra.dask_workers.pages import lock_pages
from infra.dask_workers.settings import dask_settings
from infra.errors import ClusterError
from infra.slurm.cluster import slurm_cluster

CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """Whose cluster it is, and where it may keep files that all its nodes see."""

    name: str
    """The work has this name, such as `us-iter0-training`, and SLURM jobs carry it."""
    folder: Path
    """The jobs' logs lie here, and the keys of the encryption between their parts."""
    exclusive: bool = False
    """No two flows work at the same time under this name: SLURM jobs of that name which are there are left over."""


def task_runner(profile: AnyProfile, place: Place) -> TaskRunner[Any]:
    """Return the Prefect task runner that starts, or joins, the profile's cluster.

    Raises:
        ClusterError: no scheduler with a worker answers at the profile's address.
    """
    if isinstance(profile, AddressProfile):
        security = read_keys(profile.tls_folder) if profile.tls_folder else None
        _meet_workers(profile.address, security)
        return DaskTaskRunner(address=profile.address, client_kwargs={"security": security} if security else None)
    if isinstance(profile, LocalProfile):
        cpus = len(os.sched_getaffinity(0))
        workers = profile.workers or cpus
        sizes = {
            "workers": workers,
            "threads": max(1, cpus // workers),
            "memory_limit_bytes": int(profile.memory_limit_gib * 2**30),
        }
        return DaskTaskRunner(cluster_class=make_local_cluster, cluster_kwargs=sizes)  # type: ignore[arg-type]
    options = {"profile": profile, "name": place.name, "folder": place.folder, "exclusive": place.exclusive}
    return DaskTaskRunner(cluster_class=slurm_cluster, cluster_kwargs=options)  # type: ignore[arg-type]


def _meet_workers(address: str, security: Security | None) -> None:
    """Give the workers of a scheduler MLflow's password; a flow would wait without end for a first worker.

    Raises:
        ClusterError: no scheduler with a worker answers.
    """
    try:
        with Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_SECONDS, set_as_default=False, security=security
        ) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"]
            hand_over(client)
    except OSError as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address}: {error}. Start one, or name another cluster."
        ) from None
    if not workers:
        raise ClusterError(f"the Dask scheduler at {address} has no worker. Start one: dask worker {address}")


def make_local_cluster(workers: int, threads: int, memory_limit_bytes: int) -> Any:
    """Start worker processes on loopback, one Prefect task each at a time, with `threads` for its libraries.

    Whoever reaches a scheduler can have any code run, and loopback is there for every user of the machine: these speak
    TLS with keys that live in their memory alone, and nobody has the key of the scheduler's pages.
    """
    dask.config.set(dask_settings(threads))
    cluster = LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        protocol="tls://",
        security=Security.temporary(),  # type: ignore[no-untyped-call]
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=memory_limit_bytes,
    )
    lock_pages(cluster.scheduler)
    return cluster
