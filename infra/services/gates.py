"""What stands before a server's application: its own names, its own pages, and for MLflow a password.

A page of another site could ask a server on loopback: by a name that the site lets point to 127.0.0.1, or as a foreign
origin with a password that the browser remembers.
"""

import base64
import hmac
import os
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

NAMES_VARIABLE = "WINNOW_SERVER_NAMES"
"""It holds the names under which a server answers, with commas between them."""
HEALTH_PATH = "/health"


class OwnAddress:
    """ASGI middleware that answers under the server's own names, and to no page of another address.

    A port is not asked for, since a tunnel may begin at any; a page has to come from the very address that it asks.
    """

    def __init__(self, app: Any, names: set[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, or answer 403."""
        host, *more_hosts = _headers(scope, b"host") or [""]
        origins = _headers(scope, b"origin")
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif more_hosts or _name(host) not in self._names:
            known = ", ".join(sorted(self._names))
            message = f"This server answers as {known}, not as {host!r}. WINNOW_OTHER_NAMES adds names.\n"
            await refuse(scope, send, HTTPStatus.FORBIDDEN, message)
        elif any(_address(origin) != host.lower() for origin in origins):
            message = f"A page of {origins[0]!r} may not ask this server, only its own may.\n"
            await refuse(scope, send, HTTPStatus.FORBIDDEN, message)
        else:
            await self._app(scope, receive, send)


class BasicAuth:
    """ASGI middleware that lets a request through only with the right `Authorization: Basic`."""

    def __init__(self, app: Any, user: str, password: str) -> None:
        self._app = app
        self._expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, or answer 401."""
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self._app(scope, receive, send)
            return
        message = "MLflow asks for a password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.\n"
        await refuse(scope, send, HTTPStatus.UNAUTHORIZED, message, (b"www-authenticate", b'Basic realm="MLflow"'))

    def _may_pass(self, scope: Any) -> bool:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == HEALTH_PATH:
            return True
        shown = _headers(scope, b"authorization")
        return len(shown) == 1 and hmac.compare_digest(shown[0].encode(), self._expected.encode())


async def refuse(scope: Any, send: Any, status: HTTPStatus, message: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer a request with a status and plain words; a websocket is closed before it opens."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": int(status), "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": message.encode()})


def own_names() -> set[str]:
    """Return the names of `NAMES_VARIABLE`.

    Raises:
        RuntimeError: there is none, so that the server would answer nobody.
    """
    names = {name.lower() for name in os.environ.get(NAMES_VARIABLE, "").split(",") if name}
    if not names:
        raise RuntimeError(f"{NAMES_VARIABLE} must say under which names the server answers; `winnow up` sets it")
    return names


def _headers(scope: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name]


def _name(host: str) -> str | None:
    """Return the name in a Host header, in lower case and without the port; None where there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _address(origin: str) -> str | None:
    """Return host and port of an Origin header; None where it has none, as `null`."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
