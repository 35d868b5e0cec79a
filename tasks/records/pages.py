"""Pages of MLflow's UI, as Markdown writes links."""

from urllib.parse import quote, urlsplit

from tasks.core.base.errors import RegistryError, WinnowError
from tasks.records.reachable import few_tries, needs_server
from tasks.records.tracked_run import TrackingError
from tasks.records.tracking import find_experiment, tracking_uri


def runs_page(experiment: str) -> str:
    """Return a link to an experiment's runs; '' where the server is away, or there is none to ask."""
    try:
        with few_tries(), needs_server("What the flow makes does not depend on it."):
            return f"[runs of {experiment}]({find_experiment(experiment).address})"
    except (TrackingError, WinnowError, OSError):
        return ""


def model_page(name: str) -> str:
    """Return a link to a registered model, which need not be there yet; its name alone without a server."""
    try:
        server = urlsplit(tracking_uri())
    except RegistryError:
        return f"`{name}`"
    place = f"{server.scheme}://{server.netloc.rpartition('@')[2]}{server.path.rstrip('/')}"
    return f"[{name}]({place}/#/models/{quote(name)})"
