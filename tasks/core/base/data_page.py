"""A page with its data inside: one HTML file that asks for no other; what it looks like and does stands in a template.

The template's own policy forbids it to fetch or send anything, and its script writes texts as texts.
"""

import json
from importlib.resources import files

DATA = "/*DATA*/null"
"""The page's data stand in this place of its script."""


def fill_page(package: str, template: str, data: object) -> str:
    """Return a template that lies in a package, with its data in its script."""
    return files(package).joinpath(template).read_text(encoding="utf-8").replace(DATA, script_safe(data))


def script_safe(data: object) -> str:
    """Return JSON that no text in it can close the script of: `<` never stands in it."""
    return json.dumps(data).replace("<", "\\u003c")
