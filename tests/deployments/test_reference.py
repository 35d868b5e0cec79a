"""The reference of the round file's keys is what the models say, and they say it in sentences."""

import pytest
from pydantic import BaseModel

from deployments.reference import REFERENCE, main, make_reference
from tasks.core.round.model import Round
from tasks.core.round.schema_words import describe_value
from tasks.core.round.sections import Settings
from tests.support.docstrings import stands_alone

MODELS = [Round, *Settings.__subclasses__()]


def fields():
    return [(f"{model.__name__}.{name}", field) for model in MODELS for name, field in model.model_fields.items()]


def test_the_page_is_what_the_models_say_today():
    assert REFERENCE.read_text() == make_reference().rstrip() + "\n", "run `python -m deployments.reference`"


def test_the_program_writes_the_page(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("deployments.reference.REFERENCE", tmp_path / "page.md")
    main()
    assert (tmp_path / "page.md").read_text() == REFERENCE.read_text()
    assert str(tmp_path) in capsys.readouterr().out


@pytest.mark.parametrize(("name", "field"), fields())
def test_every_key_has_a_sentence_that_stands_alone(name, field):
    assert field.description, f"{name} has no docstring"
    assert stands_alone(field.description), f"{name}: {field.description}"


def test_every_key_of_every_section_is_on_the_page():
    page = REFERENCE.read_text()
    for name, _ in fields():
        assert f"**`{name.split('.')[1]}`**" in page, name


def test_a_new_key_without_a_docstring_is_seen():
    class Another(BaseModel, use_attribute_docstrings=True):
        key: int = 1

    assert not Another.model_fields["key"].description


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, "number, above 0 and below 0.5"),
        ({"anyOf": [{"type": "string", "format": "path"}, {"type": "null"}]}, "path, or `null`"),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
            "list of at least one, each `true` or `false`",
        ),
        ({"enum": ["a", "b"], "type": "string"}, "one of `a`, `b`"),
    ],
)
def test_a_value_is_described_in_plain_words(schema, words):
    assert describe_value(schema) == words


def test_a_pattern_without_words_stops_the_page():
    with pytest.raises(KeyError):
        describe_value({"type": "string", "pattern": "^[0-9]+$"})
