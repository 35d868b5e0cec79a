import json
from dataclasses import asdict, replace

import pytest

from tasks.core.base.errors import ParityError
from tasks.core.conversion import ladder
from tasks.core.conversion.build_orders import build_apart, order_of
from tasks.core.conversion.ladder import climb
from tasks.core.conversion.parity.gate import Verdict
from tasks.core.conversion.tried_variants import fastest_that_passes
from tasks.core.conversion.workbench import open_workbench
from tasks.core.engines.variants import DYNAMIC_INT8, FP32, OPENVINO_BF16, STATIC_INT8, openvino_int8
from tasks.core.round.conversion_section import Conversion
from tests.support.tiny import save_tiny_checkpoint
from tests.support.tiny_conversion import conversion_request, with_speeds

LABELS = ("positive",)
LOOSE = {"kendall_tau": 0, "kendall_tau_top": 0, "displacement": 100, "regret": 1, "probability_shift": 1}
LOOSE |= {"ap_loss": 1, "distinct_share": 0, "preset": "custom"}
MIXED, DISTILLED = openvino_int8("-mixed"), openvino_int8("-distilled")
NAMES = [variant.name for variant in (DYNAMIC_INT8, STATIC_INT8, openvino_int8(), MIXED, DISTILLED)]


@pytest.fixture(scope="module")
def opened(tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder")
    checkpoint = save_tiny_checkpoint(tiny_bert, folder / "checkpoint", LABELS, 0)
    settings = {"variants": NAMES, "scored_texts": 250, "calibration_texts": 32}
    request = conversion_request(checkpoint, LABELS, folder / "engines", **settings)
    (folder / "scratch").mkdir()
    return open_workbench(request, folder / "scratch")


@pytest.fixture(scope="module")
def built_once():
    """A way to build that returns what was built for the same order before."""
    built = {}

    def build(order):
        key = json.dumps(asdict(order), sort_keys=True)
        if key not in built:
            built[key] = build_apart(order)
        return built[key]

    return build


@pytest.fixture
def climbed(opened, built_once, monkeypatch):
    """Climb with other settings and made-up speeds; return the trials by name, and the one that serves.

    What a person is told meanwhile stands in `told`.
    """

    def climb_with(speeds, **settings):
        told = opened.request.settings.model_dump(exclude_defaults=True) | settings
        request = replace(opened.request, settings=Conversion.model_validate(told))
        bench = replace(opened, request=request, tell=climb_with.told.append)
        monkeypatch.setattr(ladder, "measure_cost", with_speeds(speeds))
        monkeypatch.setattr(ladder, "build_apart", built_once)
        trials = climb(bench)
        return {trial.variant.name: trial for trial in trials}, fastest_that_passes(trials).variant

    climb_with.told = []
    return climb_with


@pytest.mark.slow
def test_the_fastest_are_judged_first_and_nothing_after_one_that_passes(climbed):
    speeds = {openvino_int8().name: 4.0, STATIC_INT8.name: 3.0, DYNAMIC_INT8.name: 5.0}
    trials, serves = climbed(speeds, gate=LOOSE)
    assert serves == openvino_int8()
    assert "batch_variance is" in trials[DYNAMIC_INT8.name].not_tried  # faster, and judged before
    assert "0.75 times the speed of openvino-int8, which passes" in trials[STATIC_INT8.name].not_tried
    assert trials[MIXED.name].not_tried == "openvino-int8 passes already"
    judged = [line.split()[1].rstrip(",") for line in climbed.told if line.startswith("judging ")]
    assert judged == [FP32.name, DYNAMIC_INT8.name, openvino_int8().name]
    assert climbed.told[-1] == "openvino-int8 passes"
    assert any(line.startswith(f"{DYNAMIC_INT8.name} fails: batch_variance is") for line in climbed.told)
    assert trials[FP32.name].passes


@pytest.mark.slow
def test_what_would_be_little_faster_than_what_passes_is_not_judged(climbed):
    trials, serves = climbed({openvino_int8().name: 1.2, STATIC_INT8.name: 1.05}, gate=LOOSE, least_speedup=1.3)
    assert serves == FP32
    assert "1.20 times the speed of onnxruntime-fp32" in trials[openvino_int8().name].not_tried
    assert "conversion.least_speedup is 1.3" in trials[MIXED.name].not_tried


@pytest.mark.slow
def test_a_full_report_judges_every_variant(climbed):
    trials, serves = climbed({openvino_int8().name: 4.0, STATIC_INT8.name: 3.0}, gate=LOOSE, report="full")
    assert serves == openvino_int8()
    assert [trials[name].not_tried for name in (DYNAMIC_INT8.name, STATIC_INT8.name)] == [None, None]
    assert "batch_variance" in trials[DYNAMIC_INT8.name].verdicts["positive"].reasons[-1]


@pytest.mark.slow
def test_better_int8_comes_right_after_plain_where_its_speed_would_pay(climbed, monkeypatch):
    monkeypatch.setattr(ladder, "LITTLE", 1.0)
    plain, rival = openvino_int8().name, STATIC_INT8.name
    judged = []
    monkeypatch.setattr(ladder, "try_variant", lambda _, trial: judged.append(trial.variant) or _as_told(trial))
    trials, serves = climbed({plain: 3.0, MIXED.name: 2.9, rival: 2.0}, gate=LOOSE, variants=[plain, MIXED.name, rival])
    assert judged == [FP32, openvino_int8(), MIXED]
    assert serves == MIXED
    assert "0.69 times the speed of openvino-int8-mixed, which passes" in trials[rival].not_tried
    assert trials[DISTILLED.name].not_tried == ladder.LEFT_OUT


@pytest.mark.slow
def test_better_int8_waits_for_the_verdict_on_what_is_nearly_as_fast(climbed, monkeypatch):
    monkeypatch.setattr(ladder, "LITTLE", 1.0)
    plain, rival = openvino_int8().name, STATIC_INT8.name
    judged = []
    monkeypatch.setattr(ladder, "try_variant", lambda _, trial: judged.append(trial.variant) or _as_told(trial))
    trials, serves = climbed({plain: 2.1, rival: 2.0}, gate=LOOSE, variants=[plain, MIXED.name, rival])
    assert judged == [FP32, openvino_int8(), STATIC_INT8]
    assert serves == STATIC_INT8
    assert "1.05 times the speed of onnxruntime-static-int8, which passes" in trials[MIXED.name].not_tried


def _as_told(trial):
    """Judge as if plain int8 alone failed."""
    reasons = ("kendall_tau is 0.98, at least 0.99 is needed",) if trial.variant == openvino_int8() else ()
    return replace(trial, verdicts={"positive": Verdict(reasons)})


def test_bf16_needs_a_cpu_that_has_it(climbed, monkeypatch):
    monkeypatch.setattr(ladder, "has_bf16", lambda: False)
    trials, _ = climbed({}, variants=[OPENVINO_BF16.name], scored_texts=250)
    assert "does not multiply bf16" in trials[OPENVINO_BF16.name].not_tried
    assert trials[MIXED.name].not_tried == ladder.LEFT_OUT


def test_an_fp32_graph_that_cannot_be_timed_is_told_and_nothing_serves(opened, monkeypatch):
    def killed(_bench, trials, rounds):
        return [trial.left_out(f"while it was timed {rounds} time: its process was killed") for trial in trials]

    monkeypatch.setattr(ladder, "measure_cost", killed)
    with pytest.raises(
        ParityError, match="fp32 cannot be run to its end here:\n  onnxruntime-fp32: while it was timed"
    ):
        fastest_that_passes(climb(replace(opened, request=replace(opened.request, settings=Conversion(variants=())))))


@pytest.mark.slow
def test_a_builder_says_what_stopped_it(opened):
    order = replace(order_of(opened, DYNAMIC_INT8), fp32=str(opened.folder / "gone.onnx"))
    with pytest.raises(ParityError, match=r"could not be built: its process ended with status 1: .*gone\.onnx"):
        build_apart(order)
