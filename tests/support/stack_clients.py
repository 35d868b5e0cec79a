"""Prefect's server and PostgreSQL as tests ask them, with the passwords of a stack's clients."""

from http import HTTPStatus

import httpx
import psycopg2

from infra.services.passwords import USER, read_secrets
from infra.services.process import running_process
from infra.services.settings import WORK_POOL
from infra.services.stack import services
from tests.support.waiting import LAST_RESORT_SECONDS, wait_for


class PrefectApi:
    """A few questions to a stack's Prefect server."""

    def __init__(self, settings):
        words = settings.environment.get("PREFECT_API_AUTH_STRING", "").split(":", 1)
        auth = httpx.BasicAuth(*words) if len(words) == 2 else None
        self._http = httpx.Client(base_url=f"{settings.prefect_ui}/api", auth=auth, timeout=LAST_RESORT_SECONDS)
        self._server = next(service for service in services(settings) if service.name == "prefect-server")

    def automations(self):
        """Return all automations."""
        return self._post("/automations/filter", {})

    def state(self, flow_run_id):
        """Return the state of a flow run."""
        return self._http.get(f"/flow_runs/{flow_run_id}").raise_for_status().json()["state"]

    def deployment(self, name):
        """Return the id of a deployment, named as a person does: flow and round."""
        return self._http.get(f"/deployments/name/{name}").raise_for_status().json()["id"]

    def pause_pool(self, is_paused):
        """Have the work pool hand out no flow runs, or hand them out again."""
        self._asked_again("PATCH", f"/work_pools/{WORK_POOL}", {"is_paused": is_paused})

    def cancel(self, flow_run_id):
        """Cancel a flow run."""
        self._asked_again("POST", f"/flow_runs/{flow_run_id}/set_state", {"state": {"type": "CANCELLING"}})

    def heartbeats(self, flow_run_id):
        """Return how many heartbeats of a flow run the server has."""
        wanted = {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "resource": {"id": [f"prefect.flow-run.{flow_run_id}"]},
        }
        return self._post("/events/filter", {"filter": wanted})["total"]

    def wait_for(self, condition, what):
        """Wait for something that the server does, for as long as it lives."""
        wait_for(condition, what, alive=lambda: running_process(self._server), pause_seconds=0.5)

    def _asked_again(self, method, path, content):
        """Ask for a change, and again where SQLite was busy."""

        def is_done():
            found = self._http.request(method, path, json=content)
            return found.status_code != HTTPStatus.SERVICE_UNAVAILABLE and found.raise_for_status()

        self.wait_for(is_done, f"{method} {path} was done")

    def _post(self, path, content):
        return self._http.post(path, json=content).raise_for_status().json()


def connect(settings, password, database="mlflow"):
    """Connect to one of the stack's databases."""
    return psycopg2.connect(
        host="127.0.0.1",
        port=settings.postgres_port,
        user=USER,
        dbname=database,
        password=password,
        passfile="/dev/null",
    )


def rows(settings, database, query):
    """Return the rows of a query of one of the stack's databases."""
    connection = connect(settings, read_secrets(settings.home).postgres, database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()
