"""The distillation section: its paths, and what it refuses."""

import pytest
from pydantic import ValidationError

from tasks.core.base.errors import RoundFileError
from tasks.core.round.distillation_section import Distillation
from tasks.core.round.round_file import read_round


def test_runs_and_base_models_count_from_the_files_folder_and_hub_ids_stay(make_round, tmp_path):
    section = {"experts": {"one": {"run": "runs/a"}}, "student": {"base_model": "./small"}}
    round_ = read_round(make_round(distillation=section))
    assert round_.distillation.experts["one"].run == tmp_path / "runs" / "a"
    assert round_.distillation.student.base_model == str(tmp_path / "small")
    hub = read_round(make_round(distillation={"student": {"base_model": "org/model"}}))
    assert hub.distillation.student.base_model == "org/model"
    assert read_round(make_round(distillation={})).distillation == Distillation()


def test_a_sample_that_the_round_does_not_have_is_refused(make_round):
    with pytest.raises(RoundFileError, match=r"distillation.sample is 'other', but samples has \['evaluation'\]"):
        read_round(make_round(distillation={"sample": "other"}))


def test_no_label_is_called_as_the_student_is(make_round):
    with pytest.raises(RoundFileError, match="no label may be called 'student'"):
        read_round(make_round(labels={"student": "positive"}))


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"student": {"layers": [1, 0]}}, "layers must rise, each once"),
        ({"student": {"layers": [1, 1]}}, "layers must rise, each once"),
        ({"student": {"configuration": {"hidden_size": 8}}}, "needs `start: configuration`"),
        ({"student": {"start": "configuration"}}, "needs keys in it"),
        ({"student": {"start": "configuration", "configuration": {"a": 1}, "layers": [0]}}, "layers are chosen of"),
        ({"student": {"start": "expert", "base_model": "org/model"}}, "base_model stands for nothing"),
        ({"seeds": [1, 1]}, "each seed may stand once"),
        ({"alpha": 1.5}, "less than or equal to 1"),
        ({"temperature": 0}, "greater than 0"),
        ({"recall": 1.0}, "less than 1"),
        ({"tops": [0]}, "greater than 0"),
        ({"tops": [0.001], "heldout_texts": 500}, "raise heldout_texts to 1000 or more"),
        ({"hard_targets": "none"}, "'labelled' or 'experts'"),
    ],
)
def test_what_makes_no_sense_is_refused(section, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Distillation.model_validate(section)
