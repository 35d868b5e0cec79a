"""The reference of all keys of a round file, made from the models that check one.

`python -m deployments.reference` writes deployments/rounds/REFERENCE.md; a test fails when it would be another.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from tasks.core.round.model import Round
from tasks.core.round.schema_words import Schema, describe_value

REFERENCE = Path(__file__).parent / "rounds" / "REFERENCE.md"
WIDTH = 120
OPENING = """\
# Every key of a round file

A round file is one YAML file, named after its round: [us-iter0.yaml](us-iter0.yaml) is the demo's, [examples](examples)
has more, commented, and [README.md](README.md) says how to write one.

Relative paths count from the file's own folder. A key that is not on this page, or a value that is not allowed, is
refused by name. A key with a default may be left out.

This page is made from [tasks/core/round](../../tasks/core/round/model.py) by `python -m deployments.reference`: correct
the models, not the page.
"""


def make_reference() -> str:
    """Return the whole page."""
    schema = Round.model_json_schema()
    sections = list(_sections("", schema, schema["$defs"]))
    pages = (line for path, section in sections for line in _page(path, section))
    return "\n".join([OPENING, *_contents(sections), *pages])


def _sections(path: str, section: Schema, models: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield a section and those inside it, each with the path of its key; the round itself has none."""
    yield path, section
    for key, field in section["properties"].items():
        step, name = _model_of(key, field)
        if name is not None:
            yield from _sections(f"{path}.{step}".lstrip("."), models[name], models)


def _model_of(key: str, field: Schema) -> tuple[str, str | None]:
    """Return a key's step in paths, and the name of the model of its section or sections; None: it holds none."""
    named = next(iter(field.get("patternProperties", {}).values()), None)
    step = f"{key}.<name>" if named else key
    choices = [named or field, *(named or field).get("anyOf", ())]
    return step, next((choice["$ref"].rsplit("/", maxsplit=1)[1] for choice in choices if "$ref" in choice), None)


def _contents(sections: list[tuple[str, Schema]]) -> list[str]:
    lines = (f"- [{_title(path)}](#{_anchor(path)}): {_description(section)}" for path, section in sections)
    return [*(_wrap(line) for line in lines), ""]


def _page(path: str, section: Schema) -> list[str]:
    lines = [f"## {_title(path)}", "", _description(section), ""]
    for key, field in section["properties"].items():
        facts = f"- **`{key}`**: {describe_value(field)}; {_describe_default(key, field, section)}."
        lines += [_wrap(facts), _wrap(f"  {_description(field)}")]
    return [*lines, ""]


def _describe_default(key: str, field: Schema, section: Schema) -> str:
    """Say what is taken where the key is left out, or that it may not be."""
    if key in section.get("required", ()):
        return "**required**"
    default = field["default"]
    if isinstance(default, dict) and default:
        return "may be left out, for every key in it has a default"
    if default and default == field.get("items", {}).get("enum"):
        return "default: all of them"
    return f"default `{json.dumps(default)}`"


def _wrap(text: str) -> str:
    return fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def _title(path: str) -> str:
    return f"`{path}`" if path else "The round"


def _anchor(path: str) -> str:
    """Return the anchor that GitHub gives the section's title."""
    return "".join(letter for letter in path if letter.isalnum() or letter == "_") or "the-round"


def _description(schema: Schema) -> str:
    return " ".join(schema["description"].split())


def main() -> None:
    """Write the page."""
    REFERENCE.write_text(make_reference().rstrip() + "\n", encoding="utf-8")
    sys.stdout.write(f"{REFERENCE}\n")


if __name__ == "__main__":
    main()
