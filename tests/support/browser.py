"""A real headless Chromium, spoken to over a pipe in its own protocol (Chrome DevTools): no driver and no port."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local_slurm.packages import find_program
from infra.services import packages

PROGRAM = "chromium"
READ_FD, WRITE_FD = 3, 4
"""Chromium reads its orders from one of these and answers on the other."""
OPTIONS = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--no-default-browser-check",
    "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip
PATIENCE_SECONDS = 60.0


def ensure_browser() -> None:
    """Install Chromium's Debian package if it is missing.

    Raises:
        ServiceError: it is missing and cannot be installed; the message says what to type.
    """
    if find_program(PROGRAM) is None:
        packages.ensure_packages({PROGRAM: PROGRAM})


class Browser:
    """A running Chromium."""

    def __init__(self, orders: int, answers: int) -> None:
        self._orders, self._answers = orders, answers
        self._rest, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send an order and return its answer; events that come in between are kept.

        Raises:
            RuntimeError: Chromium refuses.
        """
        self._number += 1
        order = {"id": self._number, "method": method, "params": parameters}
        order |= {"sessionId": session} if session else {}
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return dict(said["result"])
            self.events.append(said)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            block = os.read(self._answers, 1 << 20)
            if not block:
                raise RuntimeError("Chromium is gone")
            self._rest += block
        first, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(first))

    def open(self, url: str, width: int = 1400, height: int = 1000, dark: bool = False) -> "Page":
        """Open a page in a window of this size, wait until it is loaded, and return it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.resize(width, height)
        page.ask("Emulation.setEmulatedMedia", features=[_scheme(dark)])
        page.ask("Page.navigate", url=url)
        page.wait(lambda: page.evaluate("location.href !== 'about:blank' && document.readyState") == "complete")
        return page


class Page:
    """A page in a tab of its own."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send an order to the page and return its answer."""
        return self._browser.ask(method, self._session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression gives on the page; a promise is waited for.

        Raises:
            RuntimeError: it throws.
        """
        said = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise RuntimeError(str(said["exceptionDetails"]))
        return said["result"].get("value")

    def wait(self, holds: Callable[[], object]) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not within a minute.
        """
        last = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > last:
                raise TimeoutError("the page did not become what was waited for")
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Press a key and let it go; a single letter is typed."""
        typed = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **typed)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path, whole: bool = True) -> Path:
        """Leave a picture of the page, or of what the window shows of it."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def print_pdf(self) -> bytes:
        """Return the page as it prints."""
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True)["data"])

    @property
    def requests(self) -> list[str]:
        """Every address that the page asked for, its own first."""
        return [event["request"]["url"] for event in self._said("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """What the page wrote to the console, and what it threw."""
        self.evaluate("1")  # what was said before this is read by now
        names = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event) for name in names for event in self._said(name)]

    def _said(self, method: str) -> Iterator[dict[str, Any]]:
        for event in self._browser.events:
            if event.get("sessionId") == self._session and event["method"] == method:
                yield event["params"]

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it with all its windows."""
    orders_out, orders_in = os.pipe()
    answers_out, answers_in = os.pipe()
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []

    def hand_over() -> None:
        # A pipe's end may have the other's number already.
        kept_read, kept_write = os.dup(orders_out), os.dup(answers_in)
        os.dup2(kept_read, READ_FD)
        os.dup2(kept_write, WRITE_FD)

    process = subprocess.Popen(
        [find_program(PROGRAM) or PROGRAM, *OPTIONS, *as_root, f"--user-data-dir={profile}"],
        preexec_fn=hand_over,  # noqa: PLW1509 - the numbers of the pipes are Chromium's
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(orders_out)
    os.close(answers_in)
    try:
        yield Browser(orders_in, answers_out)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        os.close(orders_in)
        os.close(answers_out)


def _scheme(dark: bool) -> dict[str, str]:
    return {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
