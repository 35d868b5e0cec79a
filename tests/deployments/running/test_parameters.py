"""Parameters as a person types them are of the type that the flow says, or refused before anything starts."""

import pytest
from prefect.utilities.callables import parameter_schema

from deployments.running.parameters import read_parameters
from flows.inference import inference
from flows.publishing import publishing
from tasks.core.base.errors import RoundFileError

INFERENCE = parameter_schema(inference.fn).model_dump()
PUBLISHING = parameter_schema(publishing.fn).model_dump()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("limit=5", 5),
        ("limit=null", None),
        ("dry_run=true", True),
        ("memory_gib=2.5", 2.5),
        ("run_name=trial", "trial"),
        ("run_name=12", "12"),
        ('run_name="quoted"', "quoted"),
        ("cluster=null", None),
        ("run_id=0123", "0123"),
    ],
)
def test_a_value_is_of_the_flows_type(word, value):
    assert list(read_parameters([word], INFERENCE, "inference/us-iter0").values()) == [value]


def test_a_list_is_written_as_in_json():
    assert read_parameters(['run_folders=["a", "b"]'], PUBLISHING, "publishing/us-iter0") == {"run_folders": ["a", "b"]}


@pytest.mark.parametrize(
    ("word", "taught"),
    [
        ("limt=5", "Did you mean 'limit'?"),
        ("round_file=x.yaml", "with a KEY of sample, run_name, limit"),
        ("limit", "takes KEY=VALUE"),
        ("limit=many", "takes a value of type integer"),
        ("limit=0", "takes integer, at least 1"),
        ("dry_run=yes", "takes a value of type boolean"),
        ("run_name=two words", "takes string, matching"),
    ],
)
def test_what_the_flow_does_not_take_is_refused_with_what_it_takes(word, taught):
    with pytest.raises(RoundFileError) as refused:
        read_parameters([word], INFERENCE, "inference/us-iter0")
    assert taught in str(refused.value)
    assert f"-p {word.partition('=')[0]}" in str(refused.value)
