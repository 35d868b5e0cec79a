"""The end of what workers logged: it goes to Prefect's server every 2 s, and a cluster may be gone before that."""

import inspect

from distributed import Client
from prefect.logging.handlers import APILogWorker

SECONDS = 10


def send_worker_logs(client: Client) -> None:
    """Have every worker send the log lines that it still holds; one that does not answer keeps its own."""
    client.run(_drain, on_error="ignore")


async def _drain() -> None:
    sent = APILogWorker.drain_all(timeout=SECONDS, at_exit=False)
    if inspect.isawaitable(sent):
        await sent
