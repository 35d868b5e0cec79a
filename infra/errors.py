"""Errors of the machinery around Winnow: clusters and services."""


class InfrastructureError(Exception):
    """Base of the errors of this package; a person can act on each."""


class ClusterError(InfrastructureError):
    """A cluster profile cannot be used, or the cluster lost work more often than allowed."""


class ServiceError(InfrastructureError):
    """A service did not start, or its port is taken."""
