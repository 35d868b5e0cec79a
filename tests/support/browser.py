"""A real browser without a window, driven through its DevTools: pages are opened, keys pressed, files saved."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from infra.services.packages import ensure_packages
from tests.support.waiting import wait_for

PROGRAMS = {"chromium": "chromium", "fc-cache": "fontconfig"}
"""Tests need these programs, and they come from these packages of Debian."""
START_SECONDS = 60
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"),
)

ANSWERS = ("Network.requestWillBeSent", "Network.loadingFinished", "Network.loadingFailed")
"""Events of a request's begin and of its ends."""


def ensure_browser() -> None:
    """Install the browser unless it is there.

    Raises:
        ServiceError: it cannot be installed.
    """
    ensure_packages(PROGRAMS)


@dataclass
class Page:
    """A page of the browser."""

    socket: ClientConnection
    downloads: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something, and return its answer; events that come first are kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=START_SECONDS))
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def open(self, address: Path | str) -> None:
        """Open a file or an address, and wait until it stands."""
        self.call("Page.navigate", url=address.as_uri() if isinstance(address, Path) else address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Return what a JavaScript expression comes to."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until a JavaScript expression is true."""
        wait_for(lambda: self.run(script), script)

    def text(self, id_: str) -> str:
        """Return the text that an element shows."""
        return self.run(f"document.getElementById({json.dumps(id_)}).innerText")

    def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    def click(self, id_: str) -> None:
        """Click on the middle of an element with the mouse."""
        box = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.getElementById({json.dumps(id_)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def saved(self, name: str) -> Path:
        """Wait for a file that the page saves, and return where it lies."""
        path = self.downloads / name
        wait_for(lambda: path.exists() and path.stat().st_size > 0, f"{path} is saved")
        return path

    def resize(self, width: int, height: int) -> None:
        """Show the page as a screen of this size does, such as a telephone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def picture(self, path: Path) -> Path:
        """Save what the page looks like as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
        return path

    @property
    def complaints(self) -> list[Any]:
        """What the page's scripts and policies complained of so far."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in kinds]

    @property
    def fetched(self) -> list[str]:
        """The addresses that the page asked for."""
        requests = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in requests]

    @property
    def unanswered(self) -> set[str]:
        """What the page's scripts asked for and have not yet got, by the browser's own ids."""
        params = {name: [one["params"] for one in self.events if one["method"] == name] for name in ANSWERS}
        asked, *answered = params.values()
        return {one["requestId"] for one in asked if one.get("type") in {"XHR", "Fetch"}} - {
            one["requestId"] for found in answered for one in found
        }


@contextmanager
def browser_page(folder: Path) -> Iterator[Page]:
    """Open a browser with one empty page; it keeps what pages keep in a folder, and saves files there."""
    profile, downloads = folder / "profile", folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    command = [str(shutil.which("chromium")), *SWITCHES, f"--user-data-dir={profile}", "about:blank"]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(
            lambda: port_file.exists() and len(port_file.read_text().splitlines()) == 2,
            "the browser listens",
            alive=lambda: browser.poll() is None,
        )
        port, path = port_file.read_text().splitlines()
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, ping_interval=None) as control:
            target = _first_page(control)
            with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", max_size=None, ping_interval=None) as socket:
                page = Page(socket, downloads)
                for domain in ("Page", "Runtime", "Network", "Log"):
                    page.call(f"{domain}.enable")
                page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
                yield page
                page.call("Page.navigate", url="about:blank")
            Page(control, downloads).call("Browser.close")
        browser.wait(timeout=START_SECONDS)
    finally:
        browser.kill()
        browser.wait()


def _first_page(control: ClientConnection) -> str:
    targets = Page(control, Path()).call("Target.getTargets")["targetInfos"]
    return next(target["targetId"] for target in targets if target["type"] == "page")
