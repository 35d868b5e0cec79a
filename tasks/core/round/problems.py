"""What is wrong with the keys of a round file, in plain words: the value, what is allowed, and what to write."""

from typing import Any

from pydantic import ValidationError

from tasks.core.base.spelling import nearest, plain_name
from tasks.core.round.model import Round
from tasks.core.round.schema_words import Schema, describe_names, describe_value

OF_A_NAME = "[key]"
"""The place of a problem ends with this where the name of a key is at fault, and not its value."""


def tell_problems(error: ValidationError) -> list[str]:
    """Return a line for each problem of a round: its key, the value, what is allowed, and the nearest spelling."""
    whole = Round.model_json_schema()
    return [_tell(problem, whole) for problem in error.errors()]


def _tell(problem: Any, whole: Schema) -> str:
    location = [part for part in problem["loc"] if part != OF_A_NAME]
    key, value = ".".join(map(str, location)) or "the round", problem["input"]
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key (value {value!r}).{_instead(location, whole)}"
    if problem["type"] == "missing":
        return f"{key}: required, but not there. {_said(_schema_at(location, whole))}"
    if problem["loc"][-1:] == (OF_A_NAME,):
        return _misnamed(location, whole)
    if problem["type"] in {"value_error", "assertion_error"}:
        message = str(problem["msg"]).removeprefix("Value error, ")
        return _at(key, message if isinstance(value, dict) else f"{value!r} is not allowed. {message}")
    schema = _schema_at(location, whole)
    remedy = _remedy(location, value, schema, whole)
    return f"{key}: {value!r} is not allowed. Allowed is: {describe_value(schema)}.{remedy}"


def _at(key: str, message: str) -> str:
    return message if key == "the round" else f"{key}: {message}"


def _schema_at(location: list[Any], whole: Schema) -> Schema:
    """Return what is said of a key; the round itself has no place."""
    found = whole
    for part in location:
        section = _inside(found, whole)
        named = next(iter(section.get("patternProperties", {}).values()), section.get("additionalProperties"))
        found = section.get("properties", {}).get(part) or section.get("items") or named or {}
    return found


def _inside(schema: Schema, whole: Schema) -> Schema:
    """Return the section, list or mapping that a key holds, where it may also be null."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    name = choices[0].get("$ref", "").rpartition("/")[2]
    found: Schema = whole["$defs"][name] if name else choices[0]
    return found


def _said(schema: Schema) -> str:
    return " ".join(schema.get("description", "").split())


def _instead(location: list[Any], whole: Schema) -> str:
    """Say which key an unknown one may have been meant for: one beside it, or one of another section."""
    *parents, key = location
    known = _inside(_schema_at(parents, whole), whole).get("properties", {})
    meant = nearest(key, known) or _elsewhere(key, whole)
    return f"{meant} Allowed are: {', '.join(known)}" if known else meant


def _elsewhere(key: Any, whole: Schema) -> str:
    if key in whole["properties"]:
        return f" It stands at the left edge of the file, below no other key: {key}."
    sections = [name for name, field in whole["properties"].items() if key in _keys_of(field, whole)]
    return f" It belongs below {' or '.join(sections)}, indented." if sections else ""


def _keys_of(field: Schema, whole: Schema) -> Schema:
    inside = _inside(field, whole)
    named = next(iter(inside.get("patternProperties", {}).values()), None)
    keys: Schema = _inside(named, whole).get("properties", {}) if named else inside.get("properties", {})
    return keys


def _misnamed(location: list[Any], whole: Schema) -> str:
    *parents, name = location
    wanted = describe_names(_inside(_schema_at(parents, whole), whole))
    better = plain_name(str(name))
    write = f" Write {better}, and leave what stands behind it as it is." if better and better != name else ""
    key = ".".join(map(str, location))
    return f"{key}: the name {name!r} is not allowed. Allowed is: {wanted}, led by a letter or digit.{write}"


def _remedy(location: list[Any], value: Any, schema: Schema, whole: Schema) -> str:
    inside = _inside(schema, whole)
    if "properties" in inside and not isinstance(value, dict):
        return f" Its keys stand below it, indented: {', '.join(inside['properties'])}"
    if inside.get("type") == "array" and isinstance(value, str | int | float):
        allowed = inside["items"].get("enum", ())
        meant = "" if value in allowed else nearest(value, allowed)
        return f" Write a list, in brackets: {location[-1]}: [{value}].{meant}"
    if "enum" in inside:
        return nearest(value, inside["enum"])
    is_word = value is not None and not isinstance(value, str | dict | list)
    return f" Quote it: '{value}'" if is_word and inside.get("type") == "string" else ""
