"""The one factory of Dask clusters: from a profile in infra/clusters, a YAML file, or a scheduler's address."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import dask
import yaml
from distributed import Client, LocalCluster
from prefect.task_runners import TaskRunner
from prefect_dask.task_runners import DaskTaskRunner
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infra.errors import ClusterError

PROFILES = Path(__file__).parent / "clusters"
ADDRESS_SCHEMES = ("tcp://", "tls://")
ALLOWED_FAILURES = 5
"""Workers that may die under one Dask task before Dask gives it up."""
NO_WORKERS_TIMEOUT = "10 minutes"
LOST_WORKER_TIMEOUT = "60 s"
"""A worker process that restarts on a busy machine needs more than Dask's 15 s."""
CONNECT_SECONDS = 10


class LocalProfile(BaseModel):
    """Worker processes on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["local"]
    workers: int | None = Field(default=None, ge=1)
    memory_limit_gib: float = Field(default=0, ge=0)
    lost_worker_attempts: int = Field(default=3, ge=1)


class AddressProfile(BaseModel):
    """A scheduler that already runs; its workers need this code installed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["address"]
    address: str
    lost_worker_attempts: int = Field(default=3, ge=1)


Profile = Annotated[LocalProfile | AddressProfile, Field(discriminator="kind")]


def read_profile(cluster: str) -> LocalProfile | AddressProfile:
    """Read a profile by name, by path, or make one of a scheduler's address.

    Raises:
        ClusterError: there is no such profile, or it breaks a rule.
    """
    if cluster.startswith(ADDRESS_SCHEMES):
        return AddressProfile(kind="address", address=cluster)
    path = Path(cluster) if cluster.endswith((".yaml", ".yml")) else PROFILES / f"{cluster}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(profile.stem for profile in PROFILES.glob("*.yaml")))
        raise ClusterError(
            f"there is no cluster profile '{cluster}'; there are: {names}, the path of a YAML file, or tcp://host:port"
        )
    adapter: TypeAdapter[LocalProfile | AddressProfile] = TypeAdapter(Profile)
    try:
        return adapter.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ClusterError(f"{path} is not a cluster profile: {error}") from None


def worker_count(profile: LocalProfile | AddressProfile) -> int | None:
    """Return how many workers a profile has; None when only its scheduler knows."""
    if isinstance(profile, AddressProfile):
        return None
    return profile.workers or len(os.sched_getaffinity(0))


def task_runner(profile: LocalProfile | AddressProfile) -> TaskRunner[Any]:
    """Return the Prefect task runner that starts, or joins, the profile's cluster."""
    if isinstance(profile, AddressProfile):
        _require_workers(profile.address)
        return DaskTaskRunner(address=profile.address)
    cpus = len(os.sched_getaffinity(0))
    workers = profile.workers or cpus
    return DaskTaskRunner(
        cluster_class=make_local_cluster,  # type: ignore[arg-type]
        cluster_kwargs={
            "workers": workers,
            "threads": max(1, cpus // workers),
            "memory_limit_bytes": int(profile.memory_limit_gib * 2**30),
        },
    )


def _require_workers(address: str) -> None:
    """Raise ClusterError unless a scheduler with a worker answers; a flow would wait for one without end."""
    try:
        with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            workers = client.scheduler_info(n_workers=-1)["workers"]
    except OSError as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address}: {error}. Start one, or name another cluster."
        ) from None
    if not workers:
        raise ClusterError(f"the Dask scheduler at {address} has no worker. Start one: dask worker {address}")


def make_local_cluster(workers: int, threads: int, memory_limit_bytes: int) -> Any:
    """Start worker processes on loopback, one Prefect task each at a time, with `threads` for its libraries."""
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
            "distributed.scheduler.work-stealing": False,
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.worker.daemon": False,
            "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": threads,
            # Dask's setting makes the allocator hand memory back at once; training took 1.25 times as long with it.
            "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
            "distributed.scheduler.no-workers-timeout": NO_WORKERS_TIMEOUT,
            "distributed.deploy.lost-worker-timeout": LOST_WORKER_TIMEOUT,
        }
    )
    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=memory_limit_bytes,
    )
