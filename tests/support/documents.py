"""What stands in a Markdown document of the repository: its commands, its links, its anchors."""

import re
from pathlib import Path
from posixpath import normpath

ROOT = Path(__file__).parents[2]


def shell_commands(document: str) -> list[str]:
    """Return the commands of the document's shell blocks; one that goes on after a backslash is one command."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    joined = (block.replace("\\\n", " ") for block in blocks)
    lines = [line.split(" #")[0].strip() for block in joined for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line and not line.startswith("#")]


def links(document: str) -> list[tuple[str, str]]:
    """Return the document's links within the repository: path from its root, and anchor, each perhaps empty."""
    text = _without_code((ROOT / document).read_text())
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)
    parted = [target.partition("#") for target in found if not target.startswith(("http", "<http"))]
    folder = Path(document).parent
    return [(normpath((folder / path).as_posix()) if path else document, anchor) for path, _, anchor in parted]


def anchors(document: str) -> set[str]:
    """Return the anchors that GitHub gives the document's headings."""
    headings = re.findall(r"^#+ (.*)$", _without_code((ROOT / document).read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def python_blocks(document: str) -> list[str]:
    """Return the document's blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
