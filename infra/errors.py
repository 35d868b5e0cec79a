"""Errors of the machinery around Winnow: clusters and services."""

from tasks.core.base.printable import printable


class InfrastructureError(Exception):
    """Base of the errors of this package; a person can act on each."""

    def __str__(self) -> str:
        """Return the message with control characters, as other programs may print them, as escapes."""
        return printable(super().__str__())


class ClusterError(InfrastructureError):
    """A cluster profile cannot be used, or the cluster lost work more often than allowed."""


class ServiceError(InfrastructureError):
    """A service did not start, or its port is taken."""
