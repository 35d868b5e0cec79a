"""`winnow report --open`: the page in a browser, where there is one."""

import webbrowser
from pathlib import Path


def open_page(page: Path) -> bool:
    """Open a page in this machine's browser, and say whether there is one."""
    return webbrowser.open(page.resolve().as_uri())
