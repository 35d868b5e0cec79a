"""What stands in a Markdown document of the repository: its commands, its links, its anchors."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import normpath

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """Something that a document has its reader type."""

    text: str
    """A shell command; or Python, in several lines."""
    is_python: bool = False
    shown: tuple[str, ...] = ()
    """Lines that the document shows as what comes of it, in a block of `text` that follows."""


def steps(document: str) -> list[Step]:
    """Return what a document has its reader type, in order: commands of shell blocks, and blocks of Python."""
    found: list[Step] = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE):
        if language in {"sh", "console"}:
            found += [Step(command) for command in _commands(block)]
        elif language == "python":
            found.append(Step(block, is_python=True))
        elif language == "text":
            found[-1] = replace(found[-1], shown=tuple(line for line in block.splitlines() if line.strip()))
    return found


def shell_commands(document: str) -> list[str]:
    """Return the commands of the document's shell blocks; one that goes on after a backslash is one command."""
    return [step.text for step in steps(document) if not step.is_python]


def python_blocks(document: str) -> list[str]:
    """Return the document's blocks of Python."""
    return [step.text for step in steps(document) if step.is_python]


def _commands(block: str) -> list[str]:
    lines = [line.split(" #")[0].strip() for line in block.replace("\\\n", " ").splitlines()]
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
