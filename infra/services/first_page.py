"""How MLflow's pages open for somebody who sees them for the first time: on runs, and as wide as the screen is.

MLflow 3.17 opens every experiment on traces of language models, whatever its kind says, until a switch in the corner
is turned to *Model training*; the browser remembers that. These are its own settings, set before it reads them, and
only where the browser has none: who turns the switch back finds it so.
"""

import json
from typing import Any

CHOICES = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.detectIssues.guidanceShown_v1": True,
}
"""MLflow's pages keep what a person chose in the browser under these names."""
SCRIPT = (
    "<script>for (const [name, value] of Object.entries("
    + json.dumps(CHOICES)
    + ")) if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(value))</script>"
)
HEAD = b"<head>"
CACHED = (b"if-none-match", b"if-modified-since")


class OpensOnRuns:
    """ASGI middleware that puts a script into MLflow's one page; every other answer passes as it is."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, and change the page."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        asked = [header for header in scope["headers"] if header[0] not in CACHED]
        parts: list[bytes] = []
        begun: list[Any] = []

        async def changed(message: Any) -> None:
            if message["type"] != "http.response.body":
                begun.append(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                page = b"".join(parts).replace(HEAD, HEAD + SCRIPT.encode(), 1)
                await send(_with_length(begun[0], len(page)))
                await send({"type": "http.response.body", "body": page})

        await self._app({**scope, "headers": asked}, receive, changed)


def _with_length(start: Any, length: int) -> Any:
    others = [header for header in start["headers"] if header[0].lower() != b"content-length"]
    return {**start, "headers": [*others, (b"content-length", str(length).encode())]}
