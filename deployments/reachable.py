"""Whether Prefect's server answers, asked in a moment, and what is said where it does not."""

import httpx

from deployments.environment import where_looked
from infra.errors import ServiceError

SECONDS = 10


def require_prefect(address: str) -> None:
    """Ask for the server's health, before what takes seconds to load is loaded.

    Raises:
        ServiceError: none answers, or another program does; it says which address was asked.
    """
    try:
        answer = httpx.get(f"{address.rstrip('/')}/health", timeout=SECONDS)
    except httpx.TransportError as error:
        raise prefect_away(address, error) from None
    if not answer.is_success and not is_prefects(answer):
        raise prefect_foreign(address, answer)


def prefect_away(address: str, error: Exception) -> ServiceError:
    """Return the error of a server that does not answer."""
    return ServiceError(
        f"no Prefect server answers at {address}: {error}. `make up` starts one.{where_looked(address)}"
    )


def prefect_foreign(address: str, answer: httpx.Response) -> ServiceError:
    """Return the error of a program that is no Prefect server."""
    return ServiceError(
        f"what answers at {address} is no Prefect server ({answer.status_code}): another program holds its port. Stop "
        "that program, or give the services other ports: WINNOW_PREFECT_PORT, WINNOW_MLFLOW_PORT."
        f"{where_looked(address)}"
    )


def is_prefects(answer: httpx.Response) -> bool:
    """Say whether an answer may be of a Prefect server, which speaks JSON, or refuses whoever has no password."""
    return answer.status_code == httpx.codes.UNAUTHORIZED or "json" in answer.headers.get("content-type", "")
