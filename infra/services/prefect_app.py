"""Prefect's server as `prefect server start` runs it, behind `OwnAddress`; it asks for its password itself."""

from typing import Any

from infra.services.gates import OwnAddress, own_names


def create_app() -> Any:
    """Return Prefect's application with its services; called by uvicorn."""
    from prefect.server.api.server import create_app as create_prefect  # noqa: PLC0415 - uvicorn's parent needs none

    return OwnAddress(create_prefect(final=True), own_names())
