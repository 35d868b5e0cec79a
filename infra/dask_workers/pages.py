"""The pages of a Dask scheduler, which know no password of their own: a key in the link opens them for a browser."""

import hmac
import secrets
from typing import Any

from tornado.web import RequestHandler

COOKIE = "winnow-dask"
KEY_BYTES = 24


class _Door(RequestHandler):
    """Answers whoever does not have the cookie."""

    def initialize(self, key: str) -> None:
        """Take the key that opens."""
        self._key = key

    def prepare(self) -> None:
        """Let who brings the key in, and answer anyone else 403, whatever he asks."""
        if not _is_key(self.get_query_argument("key", ""), self._key):
            self.send_error(403, reason="The link to these pages is in the flow run's log")
            return
        self.set_cookie(COOKIE, self._key, httponly=True, samesite="Strict")
        self.redirect(self.request.path)


def lock_pages(scheduler: Any) -> str:
    """Lock the pages of a scheduler that has started in this process, and return the key."""
    key = secrets.token_urlsafe(KEY_BYTES)
    application = scheduler.http_application
    find = application.find_handler

    def find_handler(request: Any, **kwargs: Any) -> Any:
        cookie = request.cookies.get(COOKIE)
        if cookie is not None and _is_key(cookie.value, key):
            return find(request, **kwargs)
        return application.get_handler_delegate(request, _Door, {"key": key})

    application.find_handler = find_handler
    return key


def _is_key(shown: str, key: str) -> bool:
    return hmac.compare_digest(shown.encode(), key.encode())
