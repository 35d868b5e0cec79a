from dataclasses import dataclass
from typing import TypedDict

import pytest

from tasks.core.base.errors import FormatError, TornRecordError
from tasks.core.base.files import read_json, write_json
from tasks.core.base.formats import FileFormat, read_record, winnow_version, write_record
from tests.support.records import vouched, write_vouched


@dataclass(frozen=True)
class Fruit:
    name: str
    grams: int
    ripe: bool = True


FRUIT = FileFormat(
    kind="fruit",
    number=3,
    schema=Fruit,
    remedy="Pick another",
    migrations={2: lambda said: {"name": said["name"], "grams": 1000 * said["kilograms"]}},
)


def test_what_is_written_is_signed_and_read_without_its_signature(tmp_path):
    write_record(tmp_path / "a.json", FRUIT, {"name": "pear", "grams": 170})
    assert read_json(tmp_path / "a.json") == vouched(
        {"format": 3, "written_by": winnow_version(), "name": "pear", "grams": 170}
    )
    assert read_record(tmp_path / "a.json", FRUIT) == {"name": "pear", "grams": 170}


def test_an_older_format_is_migrated(tmp_path):
    write_json(tmp_path / "a.json", {"format": 2, "name": "melon", "kilograms": 2})
    assert read_record(tmp_path / "a.json", FRUIT) == {"name": "melon", "grams": 2000}


def test_a_newer_format_is_refused_with_the_version_that_wrote_it(tmp_path):
    write_json(tmp_path / "a.json", {"format": 4, "written_by": "9.1.0", "name": "pear", "colour": "green"})
    message = r"a\.json \(fruit\) is of format 4, written by Winnow 9\.1\.0; .*formats 2 to 3"
    with pytest.raises(FormatError, match=message):
        read_record(tmp_path / "a.json", FRUIT)


@pytest.mark.parametrize("number", [{"format": 1}, {}])
def test_a_format_that_is_no_longer_read_is_refused_by_name(tmp_path, number):
    write_json(tmp_path / "a.json", number | {"name": "pear", "grams": 170})
    with pytest.raises(FormatError, match=r"a\.json \(fruit\) is of format .* reads formats 2 to 3\. Pick another\."):
        read_record(tmp_path / "a.json", FRUIT)


@pytest.mark.parametrize(
    "content",
    [
        *([], "pear", {"format": 3, "name": "pear"}, {"format": 3, "name": "pear", "grams": 1, "x": 2}),
        *({"format": "3"}, {"format": []}, {"format": None}, {"format": True}, {"format": 3.0}, {"format": 2}),
    ],
)
def test_a_file_that_says_less_or_more_than_its_kind_is_not_half_read(tmp_path, content):
    write = write_vouched if isinstance(content, dict) else write_json
    write(tmp_path / "a.json", content)
    with pytest.raises(TornRecordError, match=r"a\.json cannot be read as a fruit of format 3: .*\. Pick another\."):
        read_record(tmp_path / "a.json", FRUIT)


def test_a_file_without_its_checksum_is_not_read_while_an_older_one_never_had_any(tmp_path):
    write_json(tmp_path / "a.json", {"format": 3, "name": "pear", "grams": 170})
    with pytest.raises(TornRecordError, match=r"it lacks its checksum\. Pick another"):
        read_record(tmp_path / "a.json", FRUIT)


def test_each_bit_that_is_flipped_is_found_or_changes_nothing(tmp_path):
    path, said = tmp_path / "a.json", {"name": "p\u00e9ar", "grams": 170, "ripe": False}
    write_record(path, FRUIT, said)
    whole, found = path.read_bytes(), 0
    for place in range(8 * len(whole)):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            assert read_record(path, FRUIT) == said
        except (TornRecordError, FormatError):
            found += 1
    assert found > 7 * len(whole)


def test_keys_that_are_numbers_have_the_checksum_of_what_is_read_back(tmp_path):
    numbers = FileFormat("count", 1, Fruit, "Count again")
    write_record(tmp_path / "a.json", numbers, {"name": {9: 1, 10: 2}, "grams": 1})
    assert read_record(tmp_path / "a.json", numbers)["name"] == {"9": 1, "10": 2}


@pytest.mark.parametrize("content", ["[" * 10**6, '{"format": 3, "name": "\\ud800", "grams": 1}', "9" * 5_000])
def test_what_no_program_would_write_is_refused_all_the_same(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(TornRecordError):
        read_record(tmp_path / "a.json", FRUIT)


def test_half_a_file_is_not_read(tmp_path):
    (tmp_path / "a.json").write_text('{"format": 3, "na')
    with pytest.raises(TornRecordError, match=r"cannot be read as a fruit .*\. Pick another\."):
        read_record(tmp_path / "a.json", FRUIT)


class Open(TypedDict, total=False):
    shop: str


def test_a_schema_may_leave_its_keys_out():
    format_ = FileFormat("note", 1, Open, "Write another")
    assert format_.read_signed(format_.sign({}), "x") == {}
    with pytest.raises(ValueError, match="too much"):
        format_.read_signed(format_.sign({"tree": 1}), "x")
