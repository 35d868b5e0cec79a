"""YAML as people mean it: a word that YAML would silently read as something else is refused, with what to write.

YAML 1.1 reads `NO` as false, `NULL` as nothing, `016` as 14, `1:30` as 90 and `2024-01-01` as a date, and keeps the
last of two same keys.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
MERGE_TAG = f"{TAG}merge"
"""YAML gives this tag to its merge key, `<<`."""
AS_WRITTEN = {
    f"{TAG}bool": re.compile(r"[Tt]rue|TRUE|[Ff]alse|FALSE"),
    f"{TAG}int": re.compile(r"[-+]?(0|[1-9][0-9_]*)"),
    f"{TAG}float": re.compile(
        r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[-+]?\d+)?|[-+]?\.inf|\.nan", re.ASCII | re.IGNORECASE
    ),
    f"{TAG}timestamp": re.compile(r"(?!)"),
    f"{TAG}null": re.compile(r"~|null|"),
}
"""What may be read as a switch, a whole number, a number, a date or nothing; a date never, for no key has one."""


class _AsWritten(yaml.SafeLoader):
    """Refuses a word that would be read as what it does not look like, and a key that stands twice."""

    def construct_scalar(self, node: Any) -> Any:
        text = super().construct_scalar(node)
        allowed = AS_WRITTEN.get(node.tag)
        if allowed is not None and not allowed.fullmatch(text):
            raise yaml.constructor.ConstructorError(None, None, _what_to_write(text, node.tag), node.start_mark)
        return text

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value if key.tag != MERGE_TAG]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Return what YAML text says.

    Raises:
        yaml.YAMLError: it is no YAML, a key stands twice, or a word would be read as what it does not look like.
    """
    try:
        return yaml.load(text, Loader=_AsWritten)  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise yaml.YAMLError("lists or keys stand within one another deeper than can be read") from None


def read_yaml(path: Path) -> Any:
    """Return what a YAML file says.

    Raises:
        yaml.YAMLError: it is not UTF-8, or `load_yaml` refuses it.
        OSError: it cannot be read.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"it is not UTF-8 ({error}); write it again as UTF-8") from None


def _what_to_write(text: str, tag: str) -> str:
    kind, quote = tag.removeprefix(TAG), f"quote it: '{text}'"
    if kind == "null":
        return f"YAML reads {text} as nothing; {quote}, or write null"
    try:
        read = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        read = text
    return f"YAML reads {text} as {read!s}; {quote}" if read != text else f"{text} is no {kind} of YAML's; {quote}"


def mistaken_switches(given: Any, checked: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield where a model took true or false for a number, as `epochs: true` for 1.

    `given` is what the YAML says, `checked` what the model made of it.
    """
    if isinstance(given, dict) and isinstance(checked, dict):
        for key in given.keys() & checked.keys():
            yield from mistaken_switches(given[key], checked[key], (*path, str(key)))
    elif isinstance(given, list) and isinstance(checked, list | tuple):
        for place, (one, other) in enumerate(zip(given, checked, strict=False)):
            yield from mistaken_switches(one, other, (*path, str(place)))
    elif isinstance(given, bool) and not isinstance(checked, bool):
        word = str(given).lower()
        yield f"{'.'.join(path)}: {word} is not allowed. It wants a number; if {word} is meant as a text, quote it"
