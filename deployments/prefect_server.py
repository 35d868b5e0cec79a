"""What is said where Prefect's server does not answer, or wants another password."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError

from deployments.environment import where_looked
from deployments.reachable import is_prefects, prefect_away, prefect_foreign
from infra.errors import ServiceError


@contextmanager
def named_if_away() -> Iterator[None]:
    """Ask Prefect's server inside the block.

    Raises:
        ServiceError: none answers, or not with this password; it says which was asked.
    """
    with get_client(sync_client=True) as client:
        address = client.api_url
    try:
        yield
    except httpx.TransportError as error:
        raise prefect_away(str(address), error) from None
    except PrefectHTTPStatusError as refusal:
        raise _refused(str(address), refusal) from None


def _refused(address: str, refusal: PrefectHTTPStatusError) -> Exception:
    """Return our error for what a server says, or its own where it is a Prefect server's word on what was asked."""
    if refusal.response.status_code == HTTPStatus.UNAUTHORIZED:
        return ServiceError(
            f"the Prefect server at {address} asks for another password than this shell's. For the one that `make up` "
            "started: set -a; . $WINNOW_HOME/client.env; set +a. For another: PREFECT_API_AUTH_STRING."
            f"{where_looked(address)}"
        )
    return refusal if is_prefects(refusal.response) else prefect_foreign(address, refusal.response)
