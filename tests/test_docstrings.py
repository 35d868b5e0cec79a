"""What stands below a field or a constant is a sentence that stands alone: it is read on hover, without the code."""

from pathlib import Path

import pytest

from tests.support.docstrings import described, stands_alone

ROOT = Path(__file__).parents[1]
SOURCE = ("tasks", "flows", "infra", "deployments")


def fragments(source):
    """Return the docstrings of a module's fields and constants that do not stand alone."""
    return [f"line {line}: {text}" for line, text in described(source) if not stands_alone(text)]


def test_every_field_and_constant_is_described_by_a_sentence_that_stands_alone():
    sources = {path: path.read_text() for folder in SOURCE for path in (ROOT / folder).rglob("*.py")}
    assert sum(len(list(described(source))) for source in sources.values()) > 300
    found = {path.relative_to(ROOT).as_posix(): fragments(source) for path, source in sources.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "Of these, in the models.",
        "By label; their files are the same.",
        "(rows, labels), NaN where blank",
        "One for all.",
        "At least one",
        "hard: 1, 0 or blank.",
        "null: all of them.",
        "None: there is nothing to judge yet.",
        "Every trial's.",
        "Also of shards that are being tried again.",
        "Between two looks at the receipts.",
        "How many rows have a score, by label.",
        "That a command may take at most.",
        "Not after a letter of the alphabet.",
        "This sentence has no full stop",
    ],
)
def test_a_fragment_is_found_below_a_field_and_below_a_constant(fragment):
    assert fragments(f'LIMIT = 1\n"""{fragment}"""\n')
    assert fragments(f'class Row:\n    ids: list[str]\n    """{fragment}"""\n')


@pytest.mark.parametrize(
    "sentence",
    [
        "Each row has the number of its file here.",
        "`new` says that the base model had no head.",
        "None says that there is nothing to judge yet.",
        "A sentence may go on\n    in a second line.",
    ],
)
def test_a_sentence_is_left_alone(sentence):
    assert fragments(f'LIMIT = 1\n"""{sentence}"""\n') == []


def test_docstrings_of_modules_classes_and_functions_are_not_fields():
    source = '"""Names."""\n\nclass A:\n    """One."""\n\n    x = 1\n\n    def f(self):\n        """Two."""\n'
    assert fragments(source) == []
