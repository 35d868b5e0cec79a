"""YAML that says something else than it seems to."""

import pytest
import yaml

from tasks.core.base.yaml_files import load_yaml, mistaken_switches

WORDS = ["NO", "no", "yes", "On", "016", "0x1F", "0b11", "1:30", "1:30.5", "2024-01-01", "NULL", "Null"]
NO_VALUES = ["2024-02-30", "2024-13-45", "0x_", "0b_"]


@pytest.mark.parametrize("word", WORDS + NO_VALUES)
@pytest.mark.parametrize("text", ["key: {}", "key: [a, {}]", "{}: value", "key:\n  {}: value"])
def test_a_word_that_would_be_read_as_something_else_is_refused_with_what_to_write(word, text):
    with pytest.raises(yaml.YAMLError, match=f"quote it: '{word}'"):
        load_yaml(text.format(word))
    assert word in str(load_yaml(text.format(f"'{word}'")))


def test_what_is_read_as_it_looks_is_read():
    words = "[true, False, 0, 16, -3, 16_384, 1.5, 1e-3, .inf, null, 099, NOT, 12a, +7]"
    assert load_yaml(words) == [True, False, 0, 16, -3, 16384, 1.5, "1e-3", float("inf"), None, "099", "NOT", "12a", 7]


def test_a_tag_does_not_get_round_it():
    with pytest.raises(yaml.YAMLError, match="quote it"):
        load_yaml('!!int "016"')
    with pytest.raises(yaml.YAMLError):
        load_yaml("!!python/object/apply:os.system [id]")


def test_nothing_may_be_written_in_three_ways():
    assert load_yaml("{a: , b: ~, c: null}") == {"a": None, "b": None, "c": None}
    with pytest.raises(yaml.YAMLError, match="NULL as nothing; quote it: 'NULL', or write null"):
        load_yaml("label_names: [NULL, spam]")


@pytest.mark.parametrize("text", ["!!float x", "!!float '1:30'", "!!int x", "!!timestamp x", "[" * 3_000])
def test_what_yaml_cannot_make_a_value_of_is_an_error_of_yaml(text):
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


def test_a_date_that_there_is_not_is_called_none():
    with pytest.raises(yaml.YAMLError, match="2024-02-30 is no timestamp of YAML's; quote it"):
        load_yaml("a: 2024-02-30")


@pytest.mark.parametrize("text", ["1.", "1_000.5", ".5", "1.5e+3", "-.inf", ".NaN", "-1.5E-3"])
def test_numbers_are_read_as_yaml_reads_them(text):
    assert str(load_yaml(text)) == str(yaml.safe_load(text))


def test_a_switch_taken_for_a_number_is_found_wherever_it_stands():
    given = {"a": True, "b": {"c": [1, False]}, "d": True, "text": None}
    found = list(mistaken_switches(given, {"a": 1, "b": {"c": (1, 0.0)}, "d": True, "more": 3}))
    assert sorted(line.split(" ", 1)[0] for line in found) == ["a:", "b.c.1:"]
    assert "quote it" in found[0]
