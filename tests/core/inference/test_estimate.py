import shutil
from collections import namedtuple
from dataclasses import replace

import pytest

from tasks.core.base.errors import MachineError, RunFolderError
from tasks.core.engines.model_folder import write_engine_model
from tasks.core.inference import estimate as module
from tasks.core.inference import measuring
from tasks.core.inference.estimate import estimate
from tasks.core.inference.measuring import Measured, measure

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def run(make_run):
    return make_run(score=False)


def test_what_is_measured_is_in_proportion(run):
    plan, folder = run
    measured = measure(plan, folder, plan.shards[1])
    assert measured.seconds_a_row > 0
    assert 0 < measured.engine_share < 1
    assert measured.bytes_a_row > 2 * 8
    assert measured.threads >= 1
    assert sorted(path.name for path in folder.path.iterdir()) == ["plan.parquet"]


def test_the_estimate_counts_what_is_left_and_divides_it_among_workers(run):
    plan, folder = run
    measured = Measured(seconds_a_row=36.0, engine_share=0.95, bytes_a_row=20.0, threads=4)
    one = estimate(plan, folder, [0, 1], measured, 1)
    assert (one.rows, one.output_bytes) == (80, 1_600)
    assert one.hours == pytest.approx(0.8)
    assert one.core_hours == pytest.approx(3.2)
    assert estimate(plan, folder, [0, 1], measured, 2).hours == pytest.approx(0.4)
    assert estimate(plan, folder, [0, 1], measured, 99).hours == pytest.approx(0.4)  # two shards keep two workers busy
    assert "80 rows to score: 3.20 core-hours (95% in the models), about 0 h 48 min" in one.lines()
    assert "not known" in estimate(plan, folder, [0, 1], measured, None).lines()


def test_outputs_that_do_not_fit_are_refused(run, monkeypatch):
    plan, folder = run
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage(10_000, 9_000, 1_000))
    measured = Measured(1.0, 0.9, 20.0, 1)
    with pytest.raises(RunFolderError, match=r"has 1\.0 KB free, but the outputs of 97 rows will take about 1\.9 KB"):
        estimate(plan, folder, [0, 1, 2], measured, 2)


def test_a_model_whose_canaries_fail_is_found_before_anything_is_scored(run, tiny_engines, tmp_path):
    plan, folder = run
    broken = shutil.copytree(tiny_engines["negative"].folder, tmp_path / "broken")
    shutil.copy(f"{tiny_engines['positive'].folder}/model.onnx", broken)
    files = tiny_engines["negative"].files | {"model.onnx": tiny_engines["positive"].files["model.onnx"]}
    model = replace(tiny_engines["negative"], files=files, folder=str(broken))
    write_engine_model(model)
    other = {"folder": str(broken), "seal": model.seal}
    uses = tuple(use if use.label == "positive" else replace(use, **other) for use in plan.engines)
    with pytest.raises(MachineError, match="gives other logits than where it was made"):
        measure(replace(plan, inputs=replace(plan.inputs, engines=uses)), folder, plan.shards[0])


def test_a_folder_that_cannot_be_written_to_is_refused(run, monkeypatch):
    plan, folder = run

    def refuse(*_):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(measuring, "write_text", refuse)
    with pytest.raises(RunFolderError, match="cannot be written to from a worker: Permission denied"):
        measure(plan, folder, plan.shards[0])
