"""Cluster profiles: who does the work of a flow. YAML files in infra/clusters, or of one's own."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from infra.errors import ClusterError
from tasks.core.base.yaml_files import mistaken_switches, read_yaml

PROFILES = Path(__file__).parent
ADDRESS_SCHEMES = ("tcp://", "tls://")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A shell can export a variable of such a name, and no other."""


class _Profile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lost_worker_attempts: int = Field(default=3, ge=1)
    """Work that dies with its worker is given out so many times."""


class LocalProfile(_Profile):
    """Worker processes on this machine."""

    kind: Literal["local"]
    workers: int | None = Field(default=None, ge=1)
    memory_limit_gib: float = Field(default=0, ge=0)


class AddressProfile(_Profile):
    """A scheduler that already runs; its workers need this code installed."""

    kind: Literal["address"]
    address: str
    tls_folder: Path | None = None
    """This folder holds ca.pem, cert.pem and key.pem, for an address that begins with tls://."""

    @model_validator(mode="after")
    def _secured(self) -> "AddressProfile":
        if self.address.startswith("tls://") and self.tls_folder is None:
            raise ValueError(f"tls_folder must name the folder with ca.pem, cert.pem and key.pem of {self.address}")
        return self


class SlurmProfile(_Profile):
    """SLURM jobs, a Dask worker each; infra/clusters/slurm-cpu.yaml explains every value."""

    kind: Literal["slurm"]
    workers: int = Field(ge=1, le=1_000)
    cpus: int = Field(ge=1)
    memory_gib: float = Field(gt=0)
    walltime_minutes: int = Field(ge=2)
    retire_before_minutes: float = Field(default=15, gt=0)
    retire_spread_minutes: float = Field(default=5, ge=0)
    gpus: int = Field(default=0, ge=0)
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    directives: tuple[str, ...] = ()
    interface: str | None = None
    local_folder: str | None = None
    death_timeout_seconds: int = Field(default=120, ge=10)
    queue_timeout_minutes: float = Field(default=1_440, gt=0)
    adapt_interval_seconds: float = Field(default=15, gt=0)
    python: str | None = None
    environment: dict[str, str] = {}
    prologue: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _lives_long_enough(self) -> "SlurmProfile":
        if self.retire_before_minutes + self.retire_spread_minutes >= self.walltime_minutes:
            raise ValueError(
                f"a worker would retire {self.retire_before_minutes:g} + {self.retire_spread_minutes:g} minutes before "
                f"its walltime of {self.walltime_minutes} minutes, that is at once: make walltime_minutes longer, or "
                "retire_before_minutes and retire_spread_minutes shorter"
            )
        return self

    @field_validator("environment")
    @classmethod
    def _exportable(cls, environment: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in environment if not VARIABLE.fullmatch(name)]
        if wrong:
            raise ValueError(f"names of environment variables are letters, digits and _, but there is {wrong}")
        return environment

    @property
    def lifetime_seconds(self) -> int:
        """How long a worker lives before it retires by itself, to be followed by another."""
        return round(60 * (self.walltime_minutes - self.retire_before_minutes))


AnyProfile = LocalProfile | AddressProfile | SlurmProfile
Profile = Annotated[AnyProfile, Field(discriminator="kind")]


def read_profile(cluster: str) -> AnyProfile:
    """Read a profile by name, by path, or make one of a scheduler's address.

    Raises:
        ClusterError: there is no such profile, or it breaks a rule.
    """
    try:
        if cluster.startswith(ADDRESS_SCHEMES):
            return AddressProfile(kind="address", address=cluster)
        path = _profile_path(cluster)
        adapter: TypeAdapter[AnyProfile] = TypeAdapter(Profile)
        content = read_yaml(path)
        profile = adapter.validate_python(content)
    except (ValidationError, yaml.YAMLError) as error:
        raise ClusterError(f"{cluster} is not a cluster profile: {error}") from None
    if mistaken := [*mistaken_switches(content, profile.model_dump())]:
        raise ClusterError(f"{cluster} is not a cluster profile: {'; '.join(mistaken)}")
    return profile


def with_resources(profile: AnyProfile, memory_gib: float | None, walltime_minutes: int | None) -> AnyProfile:
    """Return a SLURM profile with other memory or walltime a job; None leaves what it has.

    Raises:
        ClusterError: the profile has no SLURM jobs, or they would live too short.
    """
    asked = {"memory_gib": memory_gib, "walltime_minutes": walltime_minutes}
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes:
        return profile
    if not isinstance(profile, SlurmProfile):
        raise ClusterError(f"{', '.join(changes)} is for SLURM jobs, but the cluster profile is '{profile.kind}'")
    try:
        return SlurmProfile.model_validate(profile.model_dump() | changes)
    except ValidationError as error:
        raise ClusterError(f"the cluster profile cannot take {changes}: {error}") from None


def _profile_path(cluster: str) -> Path:
    path = Path(cluster) if cluster.endswith((".yaml", ".yml")) else PROFILES / f"{cluster}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(profile.stem for profile in PROFILES.glob("*.yaml")))
        raise ClusterError(
            f"there is no cluster profile '{cluster}'; there are: {names}, the path of a YAML file, or tcp://host:port"
        )
    return path


def worker_count(profile: AnyProfile) -> int | None:
    """Return how many workers a profile has; None when only its scheduler knows."""
    if isinstance(profile, AddressProfile):
        return None
    return profile.workers or len(os.sched_getaffinity(0))
