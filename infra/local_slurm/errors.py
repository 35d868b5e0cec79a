"""Errors of the local SLURM."""

from infra.errors import InfrastructureError


class SlurmError(InfrastructureError):
    """The local SLURM cannot be started as asked, or one of its commands failed."""
