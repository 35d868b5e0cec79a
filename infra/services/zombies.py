"""Flow runs whose process is gone: marked Crashed by the server when their heartbeats stop."""

from typing import Any

import httpx

from infra.errors import ServiceError
from infra.services.settings import ServiceSettings

NAME = "winnow: flow runs without heartbeat are Crashed"
SILENT_SECONDS = 540
"""It is three heartbeats: Prefect sends one every 180 s, so that a shorter time would crash healthy runs."""
REQUEST_SECONDS = 30


def install_zombie_automation(settings: ServiceSettings, silent_seconds: int = SILENT_SECONDS) -> bool:
    """Have the server mark a flow run Crashed after so long without a heartbeat; return whether anything changed.

    Raises:
        ServiceError: the server cannot be reached by the address that clients use, or refuses.
    """
    wanted = _automation(silent_seconds)
    credentials = settings.environment.get("PREFECT_API_AUTH_STRING", "").split(":", 1)
    auth = httpx.BasicAuth(*credentials) if len(credentials) == 2 else None
    try:
        url = f"{settings.prefect_ui}/api/automations"
        with httpx.Client(base_url=url, auth=auth, timeout=REQUEST_SECONDS, trust_env=False) as api:
            return _install(api, wanted)
    except httpx.HTTPStatusError as error:
        raise ServiceError(f"the Prefect server refused the automation '{NAME}': {error.response.text}") from None
    except httpx.TransportError as error:
        raise ServiceError(
            f"the Prefect server runs, but {settings.prefect_ui} does not reach it: {error}. Set WINNOW_PUBLIC_HOST to "
            "the name or address by which this machine and the compute nodes reach it."
        ) from None


def _install(api: httpx.Client, wanted: dict[str, Any]) -> bool:
    found = api.post("/filter", json={"automations": {"name": {"any_": [NAME]}}}).raise_for_status().json()
    if found and _says(found[0], wanted):
        # An update would reset the trigger, and the server would forget which runs it waits for.
        return False
    if found:
        api.put(f"/{found[0]['id']}", json=wanted).raise_for_status()
    else:
        api.post("/", json=wanted).raise_for_status()
    return True


def _says(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted stands in what was found, which has more keys, and lists in any order."""
    if isinstance(wanted, dict):
        return all(key in found and _says(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and len(wanted) == len(found):
        return all(any(_says(one, other) for one in found) for other in wanted)
    return bool(found == wanted)


def _automation(silent_seconds: int) -> dict[str, Any]:
    return {
        "name": NAME,
        "description": f"No heartbeat for {silent_seconds} s. `winnow up` keeps this automation as it is.",
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "after": ["prefect.flow-run.heartbeat"],
            "expect": ["prefect.flow-run.*"],
            "match": {"prefect.resource.id": ["prefect.flow-run.*"]},
            "for_each": ["prefect.resource.id"],
            "threshold": 1,
            "within": float(silent_seconds),
        },
        "actions": [
            {
                "type": "change-flow-run-state",
                "state": "CRASHED",
                "message": f"No heartbeat for {silent_seconds} s: the flow's process or its machine is gone.",
            }
        ],
    }
