"""The inference section: what a screening cannot promise is refused before anything is drawn, and why."""

import pytest
import yaml

from tasks.core.base.errors import RoundFileError
from tasks.core.round.round_file import read_round


@pytest.fixture
def screened(make_round):
    """Return a function that writes a round with these settings of screening."""

    def write(**screening):
        path = make_round()
        content = yaml.safe_load(path.read_text())
        content["inference"]["screening"] = screening
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("recall", 1.0, "no draw can show that nothing at all is missed"),
        ("recall", 0, "no draw can show that nothing at all is missed"),
        ("top_share", 0, "a top that is nothing, or all, leaves nothing to screen for"),
        ("top_share", 1, "a top that is nothing, or all, leaves nothing to screen for"),
        ("confidence", 1, "no draw is certain to be like its pool"),
        ("confidence", -0.5, "no draw is certain to be like its pool"),
    ],
)
def test_a_promise_that_no_screening_can_keep_is_refused_with_why(screened, setting, value, why):
    with pytest.raises(RoundFileError, match=rf"inference\.screening\.{setting}.*{why}.*leave it all out"):
        read_round(screened(**{setting: value}))


def test_the_promise_alone_switches_screening_on(screened):
    asked = read_round(screened(top_share=0.005, recall=0.99, confidence=0.95)).inference.screening
    assert (asked.top_share, asked.recall, asked.confidence) == (0.005, 0.99, 0.95)
    assert (asked.calibrate_texts, asked.student, asked.on_broken_promise) == (None, False, "mark")
