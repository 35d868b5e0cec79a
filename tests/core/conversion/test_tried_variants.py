from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tasks.core.base.errors import InputDataError, ParityError
from tasks.core.base.files import read_json
from tasks.core.conversion import tried_variants as trials_module
from tasks.core.conversion.convert import convert
from tasks.core.conversion.request import Rival
from tasks.core.conversion.tried_variants import Trial, fastest_that_passes, measure_cost, try_variant
from tasks.core.conversion.workbench import open_workbench
from tasks.core.engines.variants import FP32, STATIC_INT8
from tests.support.tiny import WORDS, make_sentences, save_tiny_checkpoint
from tests.support.tiny_conversion import conversion_request, with_texts

LABELS = ("positive",)


@pytest.fixture
def checkpoint(tiny_bert, tmp_path):
    return save_tiny_checkpoint(tiny_bert, tmp_path / "checkpoint", LABELS, 0)


@pytest.fixture
def bench(checkpoint, tmp_path):
    """A workbench whose parity texts are 200 of about 450 scored ones, of which 50 have a word of their own."""
    draw = np.random.default_rng(8)
    texts = [" ".join(draw.choice(WORDS[:150], size=8)) for _ in range(400)]
    texts += [" ".join([f"word{number}", *draw.choice(WORDS[:150], size=6)]) for number in range(150, 200)]
    gate = {"preset": "custom", "ap_loss": 1}
    request = with_texts(conversion_request(checkpoint, LABELS, tmp_path / "engines", gate=gate), texts)
    (tmp_path / "scratch").mkdir()
    return open_workbench(request, tmp_path / "scratch")


def promote(bench, graph):
    """Write a graph that lifts some texts to the very top, none of which is a parity text."""
    parity = {token for row in bench.rows("parity") for token in row}
    only_there = sorted({token for row in bench.rows("scored") for token in row} - parity)
    assert len(only_there) > 5
    table = np.zeros((1_000, 2), dtype=np.float32)
    table[only_there, 1] = 100
    model = onnx.load(bench.fp32)
    next(node for node in model.graph.node if "logits" in node.output).output[0] = "kept"
    model.graph.initializer.append(numpy_helper.from_array(table, "lift"))
    model.graph.node.extend(
        [
            onnx.helper.make_node("Gather", ["lift", "input_ids"], ["lifted"]),
            onnx.helper.make_node("ReduceMax", ["lifted"], ["most"], axes=[1], keepdims=0),
            onnx.helper.make_node("Add", ["kept", "most"], ["logits"]),
        ]
    )
    onnx.save(model, graph)


def fast(trial):
    return replace(trial, costs=((1e9, 1.0),))


def fp32_of(bench):
    return measure_cost(bench, [try_variant(bench, Trial(FP32, bench.fp32))], 1)[0]


def test_a_variant_that_promotes_texts_which_are_no_parity_texts_does_not_serve(bench, tmp_path):
    graph = tmp_path / "promoting.onnx"
    promote(bench, graph)
    promoting = try_variant(bench, Trial(replace(STATIC_INT8, name="promoting"), graph))
    assert promoting.labels["positive"].max_logit_difference < 1e-4
    assert all(" over all " in reason for reason in promoting.verdicts["positive"].reasons)
    assert promoting.scored["positive"].tops["20"].overlap < 0.95
    fp32 = fp32_of(bench)
    assert fastest_that_passes([fp32, fast(promoting)]) is fp32


def test_a_variant_that_keeps_the_ranking_of_all_scored_texts_serves(bench):
    fp32 = fp32_of(bench)
    same = fast(try_variant(bench, Trial(replace(STATIC_INT8, name="same"), bench.fp32)))
    assert fastest_that_passes([fp32, same]).variant.name == "same"
    assert {top.displacement for top in same.scored["positive"].tops.values()} == {0}
    assert same.scored["positive"].texts == len(bench.texts)


def test_a_variant_that_ends_while_it_is_timed_costs_only_itself(bench, monkeypatch):
    cost = trials_module._cost

    def crash(bench_, graph, variant):
        if variant.name == "crashing":
            raise ParityError("its process ended with status -11")
        return cost(bench_, graph, variant)

    monkeypatch.setattr(trials_module, "_cost", crash)
    crashing = Trial(replace(STATIC_INT8, name="crashing"), bench.fp32)
    timed = measure_cost(bench, [Trial(FP32, bench.fp32), crashing], 2)
    assert len(timed[0].costs) == 2
    assert timed[0].texts_per_second_per_core > 0
    assert timed[0].peak_memory_mebibytes > 0
    assert timed[1].not_tried == "while it was timed: its process ended with status -11"


def test_texts_set_apart_judge_no_variant_and_are_no_labelled_ones(checkpoint, tmp_path):
    settings = {"variants": ["openvino-int8"], "scored_texts": 250, "calibration_texts": 32}
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines", **settings)
    labelled = make_sentences(150, seed=4)[:40]  # as tests.support.tiny_conversion labels them
    (tmp_path / "scratch").mkdir()
    bench = open_workbench(with_texts(request, [*labelled, *make_sentences(300, seed=8)]), tmp_path / "scratch")
    apart = {tuple(row) for row in bench.rows("apart")}
    assert len(bench.rows("apart")) == 50
    for part in ("scored", "parity", "validation", "test"):
        assert not apart & {tuple(row) for row in bench.rows(part) if 1 not in row}


def test_too_few_different_texts_are_refused(checkpoint, tmp_path):
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines")
    with pytest.raises(
        InputDataError, match=r"of 300 texts drawn .* only \d+ differ for the model .* Raise conversion.scored_texts"
    ):
        convert(with_texts(request, ["the same", "another"] * 150))
    assert not (tmp_path / "engines").exists()


@pytest.mark.slow
def test_a_rival_that_cannot_be_converted_costs_only_its_row(checkpoint, tmp_path):
    request = conversion_request(checkpoint, LABELS, tmp_path / "engines")
    gone = Rival(9, str(tmp_path / "gone"), tied=True)
    convert(replace(request, rivals=(gone,)))
    report = read_json(tmp_path / "engines" / "positive" / "parity.json")
    assert report["retraining"] is None
    assert [row["validation_ap"] is None for row in report["seeds"]] == [False, True]
    assert "gone" in report["seeds"][1]["note"]
