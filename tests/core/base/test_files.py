import pytest

from tasks.core.base.files import fingerprint, sha256_of_folder, write_aside, write_json


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores"
    path.write_text("whole")

    def write_half():
        with write_aside(path) as aside:
            aside.write_text("ha")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "whole"
    assert [file.name for file in tmp_path.iterdir()] == ["scores"]


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "scores"
    with write_aside(path) as aside:
        aside.write_text("whole")
        assert not path.exists()
        written = aside.stat().st_ino
    assert path.read_text() == "whole"
    assert path.stat().st_ino == written, "copied, not renamed: a reader could see half of it"


def test_fingerprints_follow_content_not_key_order():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_a_folder_is_known_by_names_and_bytes(tmp_path):
    write_json(tmp_path / "deep" / "a.json", [1])
    before = sha256_of_folder(tmp_path)
    assert list(before) == ["deep/a.json"]
    write_json(tmp_path / "deep" / "a.json", [2])
    assert sha256_of_folder(tmp_path) != before
