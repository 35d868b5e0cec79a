"""Before the first step of training: what OpenVINO cannot serve is told, or refused where it alone is to serve."""

import os
from signal import SIGKILL

import pytest
from transformers.activations import ACT2FN

from tasks.core.base.errors import ModelFolderError
from tasks.core.conversion import openvino_rehearsal, rehearsal
from tasks.core.conversion.parity.engine_process import EngineProcess
from tasks.core.conversion.rehearsal import Rehearsal, rehearse
from tasks.core.conversion.untrained_model import try_untrained
from tasks.core.training.base_models.base_folder import base_model_digest
from tests.support.base_folders import save_family
from tests.support.odd_activations import ODD

pytestmark = pytest.mark.slow
BOTH = ("openvino-bf16", "openvino-int8", "onnxruntime-static-int8")
FAULTS = {"determinant": "No conversion rule found for operations: Det", "hashed": "it gives other logits than PyTorch"}


@pytest.fixture(params=ODD)
def odd(request, tiny_bert, tmp_path, monkeypatch):
    """A base model that ONNX Runtime serves and OpenVINO does not, and what is wrong with it."""
    monkeypatch.setitem(ACT2FN, request.param, ODD[request.param])
    folder = save_family("bert", tiny_bert, tmp_path / request.param, hidden_act=request.param)
    return folder, FAULTS[request.param]


def asked(folder, *variants):
    return Rehearsal(str(folder), base_model_digest(str(folder)), 2, 32, False, variants)


def test_variants_that_will_be_left_out_are_told_with_the_reason(odd):
    folder, fault = odd
    told = try_untrained(asked(folder, *BOTH))
    assert fault in told
    assert told.endswith(
        "Conversion will leave openvino-bf16, openvino-int8 out; fp32 and onnxruntime-static-int8 are still tried."
    )


def test_a_base_model_is_refused_where_only_openvino_is_asked_for(odd):
    folder, fault = odd
    with pytest.raises(ModelFolderError, match=rf"{fault}.* asks for openvino-int8 alone.*variants to \[\]") as refused:
        try_untrained(asked(folder, "openvino-int8"))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("variants", [(), ("onnxruntime-static-int8",)])
def test_openvino_is_not_asked_where_none_of_its_variants_is(odd, variants):
    assert try_untrained(asked(odd[0], *variants)) == ""


def test_what_openvino_serves_is_told_nothing_of(tiny_bert):
    assert try_untrained(asked(tiny_bert, *BOTH)) == ""


class Killed(EngineProcess):
    """An engine whose process the kernel kills when memory is short."""

    def __enter__(self):
        os.kill(self._process.pid, SIGKILL)
        return super().__enter__()


def test_a_killed_process_is_no_fault_of_the_base_model(tiny_bert, monkeypatch):
    monkeypatch.setattr(openvino_rehearsal, "EngineProcess", Killed)
    assert "is not known: its process was killed" in try_untrained(asked(tiny_bert, *BOTH))
    with pytest.raises(MemoryError, match="was killed"):
        try_untrained(asked(tiny_bert, "openvino-int8"))


@pytest.mark.slow
def test_what_is_told_comes_back_from_that_process_alone(tiny_bert, tmp_path, monkeypatch):
    monkeypatch.setitem(ACT2FN, "hashed", ODD["hashed"])
    monkeypatch.setattr(rehearsal, "PROGRAM", "tests.support.odd_activations")
    folder = save_family("bert", tiny_bert, tmp_path / "hashed", hidden_act="hashed")
    assert rehearse(asked(folder, *BOTH)).startswith(f"OpenVINO cannot serve what is trained from {folder}: it gives")
