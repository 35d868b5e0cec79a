"""What a value of a round file may be, in plain words, from the JSON schema of its key."""

from typing import Any

Schema = dict[str, Any]

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
}
PATTERNS = {
    "^[A-Za-z0-9][A-Za-z0-9_]*$": "text of letters, digits and `_`",
    "^[a-z0-9][a-z0-9_]*$": "text of lower-case letters, digits and `_`",
}
"""Patterns of names are said in words; every name begins with a letter or a digit."""


def describe_value(schema: Schema) -> str:
    """Say what a value may be: its type, its bounds, its choices.

    Raises:
        KeyError: a type or a pattern that has no words here yet.
    """
    if "anyOf" in schema:
        return ", or ".join(describe_value(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{choice}`" for choice in schema["enum"])
    describe = {"array": _describe_list, "object": _describe_mapping}.get(schema.get("type", ""), _describe_plain)
    return describe(schema)


def describe_names(schema: Schema) -> str:
    """Say what the names in a mapping may be; those with a pattern have their values' schema below it."""
    pattern = next(iter(schema.get("patternProperties", {})), None)
    return _describe_plain({"type": "string", "pattern": pattern, **schema.get("propertyNames", {})})


def _describe_list(schema: Schema) -> str:
    least = " of at least one" if schema.get("minItems") else ""
    return f"list{least}, each {describe_value(schema['items'])}"


def _describe_mapping(schema: Schema) -> str:
    value = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
    least = " of at least one" if schema.get("minProperties") else ""
    return f"mapping{least}, each name ({describe_names(schema)}) to {describe_value(value or {})}"


def _describe_plain(schema: Schema) -> str:
    if "$ref" in schema:
        return "section"
    return ", ".join(part for part in (_kind(schema), _bounds(schema), _length(schema)) if part)


def _kind(schema: Schema) -> str:
    if schema.get("pattern"):
        return PATTERNS[schema["pattern"]]
    return "path" if schema.get("format") == "path" else TYPES[schema["type"]]


def _bounds(schema: Schema) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return " and ".join(f"{word} {_number(schema[name])}" for name, word in words.items() if name in schema)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _length(schema: Schema) -> str:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if most is None:
        return ""
    return f"{most} character" if least == most else f"at most {most} characters"
