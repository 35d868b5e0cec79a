"""Take README's pictures of the services of WINNOW_HOME, which are up, and of files: NAME=ADDRESS for each.

python -m tests.drills.take_pictures seeds=http://127.0.0.1:5000/#/compare... report=report.html
"""

import sys
import tempfile
from pathlib import Path

from infra.services.settings import read_settings
from tests.support.browser import browser_page, ensure_browser
from tests.support.documents import ROOT
from tests.support.screens import DESK, rest
from tests.support.ui_pages import look_at, sign_in

FOLDER = ROOT / "deployments" / "pictures"
HEIGHTS = {"report": 660}
"""A picture of this name is less high than a screen: further down, the report names places on its machine's disk."""


def take_pictures(wanted: list[str]) -> None:
    """Open each address as a person sees it on a desk's screen, and keep a picture of it."""
    ensure_browser()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, browser_page(Path(folder)) as page:
        sign_in(page, read_settings())
        for name, _, address in (one.partition("=") for one in wanted):
            page.resize(DESK[0], HEIGHTS.get(name, DESK[1]))
            if address.startswith("http"):
                look_at(page, address)
            else:
                page.open(Path(address).resolve())
                rest(page)
            page.picture(FOLDER / f"{name}.png")


if __name__ == "__main__":
    take_pictures(sys.argv[1:])
