"""When a conversion began and ended, as MLflow is to show it."""

import os

import pytest

from tasks.core.conversion.request import began_milliseconds, ended_milliseconds, mark_began


@pytest.fixture
def engine(tmp_path):
    """The folder of an engine model that was whole at second 2,000."""
    mark_began(tmp_path)
    folder = tmp_path / "positive"
    folder.mkdir()
    (folder / "model.onnx").touch()
    os.utime(folder / "model.onnx", (2_000, 2_000))
    return folder


@pytest.mark.parametrize(("began", "found"), [(1_500, 1_500_000), (2_500, None)])
def test_a_later_try_that_made_nothing_is_no_beginning(engine, began, found):
    os.utime(engine.parent / ".began", (began, began))
    assert began_milliseconds(engine) == found
    assert ended_milliseconds(engine) == 2_000_000


def test_without_word_of_it_the_beginning_is_not_known(engine):
    (engine.parent / ".began").unlink()
    assert began_milliseconds(engine) is None
