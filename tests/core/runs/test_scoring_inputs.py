"""What decides scores is one object: a field that is added to it is in the run id, the plan and adoption by itself."""

import ast
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference
from tasks.core.runs import plan_file, scoring_inputs
from tasks.core.runs.earlier_runs import adopt_shards
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.scoring_inputs import ScoringInputs
from tasks.core.runs.shards.wholeness import unfinished_shards
from tests.support.plans import plan_of


@dataclass(frozen=True)
class WithOneMore(ScoringInputs):
    """The inputs as they would be if somebody added a setting that changes scores."""

    temperature: float = 1.0


@pytest.fixture
def plan(sample, tiny_engines, tmp_path):
    return plan_of(sample, tiny_engines, Inference(output_path=tmp_path / "runs", shard_rows=40, batch_tokens=512))


@pytest.fixture
def with_temperature(plan, monkeypatch):
    """Return a function that plans the same run with one input more."""
    monkeypatch.setattr(plan_file, "ScoringInputs", WithOneMore)

    def change(temperature):
        known = {item.name: getattr(plan.inputs, item.name) for item in fields(ScoringInputs)}
        inputs = WithOneMore(**known, temperature=temperature)
        return replace(plan, inputs=inputs, run_id=inputs.run_id)

    return change


def place(plan, tmp_path):
    folder = RunFolder(tmp_path / "runs" / run_folder_name("iter0", 0, "main", plan.run_id, "evaluation"))
    write_plan(plan, folder)
    return folder


def test_the_run_id_is_the_fingerprint_of_every_input(plan, with_temperature):
    assert plan.run_id == plan.inputs.run_id
    ids = {plan.run_id, with_temperature(1.0).run_id, with_temperature(2.0).run_id}
    assert len(ids) == 3


def test_the_plan_on_disk_holds_every_input(with_temperature, tmp_path):
    hot = with_temperature(2.0)
    assert read_plan(place(hot, tmp_path)).inputs.temperature == 2.0


def test_shards_are_adopted_only_where_every_input_that_scores_is_the_same(with_temperature, tmp_path):
    cold = with_temperature(1.0)
    earlier = place(cold, tmp_path)
    for shard in cold.shards:
        score_shard(cold, shard, earlier)
    hot = with_temperature(2.0)
    assert adopt_shards(hot, place(hot, tmp_path), [0, 1, 2]) == set()
    limited = replace(cold.inputs, limit=80)
    again = replace(cold, inputs=limited, run_id=limited.run_id, shards=cold.shards[:2])
    folder = place(again, tmp_path)
    assert adopt_shards(again, folder, [0, 1]) == {0, 1}
    assert unfinished_shards(again, folder) == []


def test_where_files_lie_changes_nothing(plan):
    engines = tuple(replace(use, folder="/elsewhere") for use in plan.engines)
    moved = replace(plan.inputs, engines=engines)
    assert (moved.run_id, moved) == (plan.run_id, plan.inputs)


def test_another_version_of_the_scoring_code_is_another_run(sample, tiny_engines, tmp_path, plan, monkeypatch):
    monkeypatch.setattr("tasks.core.runs.plan.SCORING_VERSION", scoring_inputs.SCORING_VERSION + 1)
    later = plan_of(sample, tiny_engines, Inference(output_path=tmp_path / "runs", shard_rows=40, batch_tokens=512))
    assert later.run_id != plan.run_id
    assert not later.inputs.scores_like(plan.inputs)


NO_INPUTS = {"run_id", "inputs", "sample_name", "shards", "sample_root", "torn_files", "passed_over", "round_name"}
"""What a plan says beside its inputs: none of it changes a score."""
ROOT = Path(__file__).parents[3]


def settings_beside_inputs(source):
    """Return what a module takes from a plan that is neither an input nor known to change no score."""
    asked = {
        node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and of_plan(node.value)
    }
    return sorted(asked - NO_INPUTS - {"engines", "rows", "input_path"})


def of_plan(node):
    return isinstance(node, ast.Name) and node.id == "plan"


def test_a_plan_has_no_setting_beside_its_inputs():
    assert {item.name for item in fields(Plan)} == NO_INPUTS
    for path in (ROOT / "tasks" / "core" / "inference").glob("*.py"):
        assert settings_beside_inputs(path.read_text()) == [], path


def test_a_setting_that_scoring_takes_from_elsewhere_is_found():
    assert settings_beside_inputs("tokens = plan.batch_tokens + plan.inputs.shard_rows") == ["batch_tokens"]
