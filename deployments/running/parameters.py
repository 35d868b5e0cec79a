"""Parameters of a flow as a person types them, each of the type that the flow says."""

import difflib
import json
from collections.abc import Sequence
from typing import Any

from prefect.utilities.schema_tools.validation import validate

from tasks.core.base.errors import RoundFileError

OF_THE_DEPLOYMENT = "round_file"
"""A deployment gives this parameter itself."""
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "pattern": "matching",
    "maxLength": "no longer than",
}


def read_parameters(given: Sequence[str], schema: dict[str, Any], deployment: str) -> dict[str, Any]:
    """Return what `key=value` words say, by the deployment's schema of parameters.

    Raises:
        RoundFileError: a word is no such pair, the flow has no such parameter, or its value is not allowed.
    """
    known = {name: field for name, field in schema.get("properties", {}).items() if name != OF_THE_DEPLOYMENT}
    values: dict[str, Any] = {}
    for word in given:
        key, equals, text = word.partition("=")
        if not equals or key not in known:
            raise RoundFileError(_unknown(word, key, list(known), deployment))
        values[key] = _typed(key, text, _types(known[key]), deployment)
    for error in validate(values, schema, ignore_required=True) if values else []:
        key = str(next(iter(error.absolute_path), ""))
        raise RoundFileError(f"-p {key}={values.get(key)}: {error.message}; {deployment} takes {_allowed(known[key])}")
    return values


def _unknown(word: str, key: str, known: list[str], deployment: str) -> str:
    """Say which parameters there are."""
    near = difflib.get_close_matches(key, known, n=1)
    meant = f" Did you mean '{near[0]}'?" if near and near[0] != key else ""
    return f"-p {word}: {deployment} takes KEY=VALUE, with a KEY of {', '.join(known)}.{meant}"


def _types(field: dict[str, Any]) -> set[str]:
    """Return the JSON types that a parameter may have."""
    options = field.get("anyOf") or [field]
    return {str(option["type"]) for option in options if "type" in option}


def _typed(key: str, text: str, types: set[str], deployment: str) -> Any:
    """Read a value: a text as it stands, where the parameter is one; all else as JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if "string" in types and not (isinstance(value, str) or (value is None and "null" in types)):
        return text
    if isinstance(value, str) and types and "string" not in types:
        wanted = " or ".join(sorted(types - {"null"}))
        raise RoundFileError(f"-p {key}={text}: {deployment} takes a value of type {wanted}, written as in JSON")
    return value


def _allowed(field: dict[str, Any]) -> str:
    """Say what a parameter may be."""
    options = [option for option in field.get("anyOf") or [field] if option.get("type") not in {None, "null"}]
    said = [
        ", ".join([option["type"], *(f"{words} {option[name]}" for name, words in BOUNDS.items() if name in option)])
        for option in options
    ]
    return " or ".join(said) or "another value"
