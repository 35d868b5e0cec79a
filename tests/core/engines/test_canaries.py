"""A model met on another machine, or another model in its place."""

import json
import shutil

import pytest

from tasks.core.base import cpu
from tasks.core.base.errors import FormatError, MachineError, ModelFolderError
from tasks.core.base.files import read_json, write_json
from tasks.core.engines import canaries
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import read_engine_model, write_engine_model
from tasks.core.engines.variants import FP32
from tests.support.made_elsewhere import as_if_made_elsewhere, read_unverified, resign
from tests.support.records import change_record


@pytest.fixture
def folder(tiny_engines, tmp_path):
    return shutil.copytree(tiny_engines["positive"].folder, tmp_path / "engine")


def change_canaries(folder, change):
    change_record(folder / "canaries.json", change)
    resign(folder)


def shift(content):
    content["logits"][FP32.name][5][0] += 0.01


def test_a_sound_model_has_64_canaries_and_opens(folder):
    content = read_json(folder / "canaries.json")
    assert len(content["texts"]) == len(set(content["texts"])) == 64
    assert len({len(text) for text in content["texts"]}) > 20
    model, engine = open_engine(str(folder))
    assert model.variant == FP32
    assert engine.logits([[2, 5, 3]]).shape == (1, 2)


def test_other_logits_than_where_it_was_made_are_refused_with_the_worst_text(folder):
    change_canaries(folder, shift)
    worst = read_json(folder / "canaries.json")["texts"][5]
    with pytest.raises(MachineError, match=r"may differ by 0.001, this one does by 0.01") as caught:
        open_engine(str(folder))
    assert worst[:80] in str(caught.value)
    assert "another model's" in str(caught.value)


def test_the_message_says_how_cpu_and_libraries_differ(folder):
    def from_elsewhere(content):
        shift(content)
        content["made_on"]["cpu_features"] = [*cpu.cpu_features(), "amx_int128", "avx9"]
        content["made_on"]["libraries"]["onnxruntime"] = "1.0.0"

    change_canaries(folder, from_elsewhere)
    with pytest.raises(MachineError, match=r"this CPU lacks amx_int128, avx9; onnxruntime is .*, was 1.0.0"):
        open_engine(str(folder))


def test_canaries_of_another_model_are_refused(folder, tiny_engines):
    shutil.copy(f"{tiny_engines['negative'].folder}/canaries.json", folder)
    resign(folder)
    with pytest.raises(MachineError, match="canaries are another model's"):
        open_engine(str(folder))


def test_another_models_graph_is_refused_though_its_files_are_signed(folder, tiny_engines):
    shutil.copy(f"{tiny_engines['negative'].folder}/model.onnx", folder)
    resign(folder)
    with pytest.raises(MachineError, match="gives other logits than where it was made"):
        open_engine(str(folder))


@pytest.mark.parametrize("logits", [{}, {FP32.name: [[0.0, 1.0]]}])
def test_canaries_without_logits_for_the_variant_are_refused(folder, logits):
    change_canaries(folder, lambda content: content.update(logits=logits))
    with pytest.raises(ModelFolderError, match="holds logits of shape"):
        open_engine(str(folder))


def test_a_number_that_is_none_is_refused(folder):
    change_canaries(folder, lambda content: content["logits"][FP32.name][0].__setitem__(0, float("nan")))
    with pytest.raises(MachineError):
        open_engine(str(folder))


def test_a_machine_of_another_kind_is_refused_unless_the_round_lets_it_fall_back(folder):
    as_if_made_elsewhere(folder)
    with pytest.raises(MachineError, match=r"set inference\.fall_back_to_fp32"):
        open_engine(str(folder))
    model, _ = open_engine(str(folder), True)
    assert (model.variant, model.graph) == (FP32, "fp32.onnx")


def test_falling_back_runs_the_fp32_canaries_too(folder):
    as_if_made_elsewhere(folder)
    change_canaries(folder, shift)
    with pytest.raises(MachineError, match="onnxruntime-fp32"):
        open_engine(str(folder), True)


def test_an_older_folder_says_to_convert_again(folder):
    write_json(folder / "engine.json", read_unverified(folder) | {"format": 2})
    with pytest.raises(FormatError, match=r"is of format 2; .* reads formats 3 to 4\. Run the conversion flow again"):
        read_engine_model(folder)


def test_what_is_written_is_what_is_read(folder):
    model = read_engine_model(folder)
    before = json.loads((folder / "engine.json").read_text())
    write_engine_model(model)
    assert json.loads((folder / "engine.json").read_text()) == before
    assert canaries.read_canaries(folder).made_on == canaries.Machine.here()
