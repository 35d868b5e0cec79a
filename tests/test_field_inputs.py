"""Every small input of the field's faults has a test, and one without is seen."""

from pathlib import Path

from tests.support.field_inputs import untested
from tests.support.labelled_files import real_data

TESTS = sorted(Path(__file__).parent.rglob("test_field.py"))


def test_every_input_of_the_field_has_a_test():
    assert untested(real_data("field"), TESTS) == []


def test_an_input_without_a_test_is_seen(tmp_path):
    for name in ("category_id", "of_another_kind"):
        (tmp_path / name).mkdir()
    (tmp_path / "README").touch()
    assert untested(tmp_path, TESTS) == ["of_another_kind"]
