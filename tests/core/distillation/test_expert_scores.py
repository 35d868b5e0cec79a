"""A run folder read as an expert, and run folders that cannot teach."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.distillation.expert_scores import open_expert
from tasks.core.distillation.lessons import ask_teacher, open_experts
from tasks.core.round.distillation_section import Distillation
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import read_part, write_part
from tests.support.screened_runs import score, screen, screened_plan

pytestmark = pytest.mark.slow

LABELS = ("negative", "positive")


def test_a_run_is_read_by_its_labels_names_in_the_rounds_order(runs):
    read = open_expert(runs[0], LABELS, {}).read()
    assert read.labels == ("negative", "positive")
    part = read_part(RunFolder(runs[0]).output_path("negative", 0))
    assert read.scores[: part.num_rows, 0].tolist() == part["score"].to_pylist()
    assert len(read.ids) == len(read.scores) == 600


def test_labels_of_another_round_are_translated(runs):
    expert = open_expert(runs[0], ("glad", "negative"), {"glad": "positive"})
    assert expert.named == {"glad": "positive", "negative": "negative"}
    assert expert.read().scores[:, 0].tolist() == open_expert(runs[0], LABELS, {}).read().scores[:, 1].tolist()
    with pytest.raises(InputDataError, match="translates 'glad' to 'pos', but the round has"):
        open_expert(runs[0], ("glad",), {"glad": "pos"})
    with pytest.raises(InputDataError, match="none of the round's labels"):
        open_expert(runs[0], ("glad",), {})


def test_the_runs_that_the_round_names_teach_before_its_own_seeds(taught_round, runs):
    named = {"first": {"run": str(runs[0])}, "second": {"run": str(runs[1])}}
    settings = Distillation.model_validate({"experts": named})
    for experts in (open_experts(taught_round, settings, ()), open_experts(taught_round, Distillation(), runs)):
        teacher = ask_teacher(taught_round, experts)
        alone = [open_expert(path, LABELS, {}).read().scores for path in runs]
        assert np.allclose(teacher.scores, np.mean(alone, axis=0))
    with pytest.raises(InputDataError, match="nobody is there to teach"):
        open_experts(taught_round, Distillation(), ())


def test_an_unfinished_run_cannot_teach(runs):
    RunFolder(runs[0]).manifest_path.unlink()
    with pytest.raises(RunFolderError, match="is not finished, so it cannot teach yet"):
        open_expert(runs[0], LABELS, {})


def test_a_screened_run_cannot_teach(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, texts=100)
    folder = RunFolder(tmp_path / "run")
    screen(plan, folder)
    score(plan, folder)
    with pytest.raises(InputDataError, match="was screened: most of its texts have no expert's score"):
        open_expert(folder.path, LABELS, {})


def test_a_part_that_is_missing_or_lies_in_anothers_place_is_refused(runs):
    folder = RunFolder(runs[0])
    shutil.copy(folder.output_path("positive", 1), folder.output_path("negative", 1))
    with pytest.raises(InputDataError, match=r"says that it is of run .* and label 'positive', but it lies where"):
        open_expert(runs[0], LABELS, {}).read()
    folder.output_path("negative", 1).unlink()
    with pytest.raises(InputDataError, match="has no scores of 'negative'"):
        open_expert(runs[0], LABELS, {}).read()


@pytest.mark.parametrize("value", [None, 1.5])
def test_a_planted_score_that_is_no_probability_is_refused_with_its_id(taught_round, runs, value):
    path = RunFolder(runs[1]).output_path("positive", 2)
    table = read_part(path)
    planted = [value, *table["score"].to_pylist()[1:]]
    changed = table.set_column(1, "score", pa.array(planted, pa.float64()))
    write_part(changed.replace_schema_metadata(table.schema.metadata), path)
    experts = open_experts(taught_round, taught_round.distillation, runs)
    with pytest.raises(InputDataError, match=f"id {table['tweet_id'][0].as_py()} for 'positive', is"):
        ask_teacher(taught_round, experts)


def test_a_run_with_a_limit_is_of_other_rows(taught_round, runs, score, expert_engines):
    limited = score(expert_engines[1], name="less", limit=300)
    experts = [open_expert(path, LABELS, {}) for path in (runs[0], limited)]
    with pytest.raises(InputDataError, match="not the same rows: 600 and 300"):
        ask_teacher(taught_round, experts)
