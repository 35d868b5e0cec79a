"""A base model that could not be converted or scored is refused before a run is opened, and by the doctor."""

import logging

import pytest
from transformers.activations import ACT2FN

from deployments.doctor.checks import check_base_model
from tasks import story
from tasks.core.base.errors import ModelFolderError
from tasks.core.conversion import rehearsal
from tasks.retrying import is_worth_retrying
from tasks.training import start_study
from tests.support.base_folders import altered, save_family, with_json
from tests.support.odd_activations import ODD
from tests.support.studies import prepare_study

FAULTS = {
    "truncation at the left": (with_json("tokenizer_config.json", truncation_side="left"), "truncation_side"),
    "padding at the left": (with_json("tokenizer_config.json", padding_side="left"), "padding_side"),
    "no special tokens": (with_json("tokenizer.json", post_processor=None), "puts no special tokens around a text"),
}


def faulty(round_, base, folder, fault):
    """Return the round with a base model that has a fault."""
    return round_.model_copy(update={"base_model": str(altered(base, folder, FAULTS[fault][0]))})


@pytest.mark.parametrize("fault", FAULTS)
def test_training_refuses_before_it_opens_a_run(fault, tiny_round, tiny_bert, tmp_path):
    round_, opened = faulty(tiny_round, tiny_bert, tmp_path / "faulty", fault), []
    with pytest.raises(ModelFolderError, match=FAULTS[fault][1]) as refused:
        start_study.fn(round_, prepare_study(round_), opened)
    assert opened == []
    assert not is_worth_retrying(None, None, Failed(refused.value))


class Failed:
    """A state whose result is an error."""

    def __init__(self, error):
        self._error = error

    def result(self, raise_on_failure):
        assert not raise_on_failure
        return self._error


def test_the_doctor_says_so_with_the_same_words(tiny_round, tiny_bert, tmp_path):
    check = check_base_model(faulty(tiny_round, tiny_bert, tmp_path / "faulty", "truncation at the left"))
    assert check.passed is False
    assert "truncation_side" in check.found
    assert check_base_model(tiny_round).passed


def test_training_and_the_doctor_say_which_variants_will_be_left_out(
    tiny_round, tiny_bert, tmp_path, monkeypatch, caplog, tracking
):
    monkeypatch.setitem(ACT2FN, "hashed", ODD["hashed"])
    monkeypatch.setattr(rehearsal, "PROGRAM", "tests.support.odd_activations")
    base = save_family("bert", tiny_bert, tmp_path / "hashed", hidden_act="hashed")
    conversion = tiny_round.conversion.model_copy(update={"variants": ("openvino-int8", "onnxruntime-dynamic-int8")})
    round_ = tiny_round.model_copy(update={"base_model": str(base), "conversion": conversion})
    told = "leave openvino-int8 out; fp32 and onnxruntime-dynamic-int8 are still tried"
    check = check_base_model(round_)
    assert check.passed is None
    assert told in check.found
    monkeypatch.setattr(story, "get_run_logger", lambda: logging.getLogger("training"))
    start_study.fn(round_, prepare_study(round_), [])
    assert [told in line for line in caplog.messages] == [True]
