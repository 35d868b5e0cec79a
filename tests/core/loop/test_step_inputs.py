"""What the steps of a round follow from, and how the gate's verdicts leave it."""

from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml

from tasks.core.base.naming.file_names import DECIDED_FILE
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.loop.step_inputs import conversion_inputs, evaluation_inputs, outcome_of, training_inputs
from tasks.core.round.round_file import read_round
from tests.support.batch_answers import answer_batch
from tests.support.batches import write
from tests.support.round_files import write_sample


def verdicts(**decisions):
    return {label: SimpleNamespace(decision=how, sentence=f"because of {label}") for label, how in decisions.items()}


@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        ({"a": "first", "b": "promoted"}, "done"),
        ({"a": "stands", "b": "borrowed"}, "done"),
        ({"a": "promoted", "b": "refused"}, "refused"),
        ({"a": "refused", "b": "unclear"}, "waits"),
        ({"a": "promoted"}, "waits"),
        ({"a": "promoted", "b": "passes"}, "asks"),
        ({"a": "refused", "b": "passes"}, "refused"),
    ],
)
def test_a_round_waits_while_labels_can_decide_and_else_stops_where_one_is_refused(decisions, state):
    found, said = outcome_of(verdicts(**decisions), ["a", "b"])
    assert found == state
    assert f"a: {decisions['a']}" in said
    for label, how in decisions.items():
        assert (f"because of {label}" in said) == (how in {"refused", "unclear", "passes"})


def changed(path, **changes):
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(content))
    return read_round(path)


def test_training_follows_from_its_data_base_model_and_section_alone(make_round, tiny_bert, tmp_path):
    path = make_round()
    before = training_inputs(read_round(path), str(tiny_bert))
    same = changed(path, inference={"output_path": str(tmp_path / "elsewhere")})
    assert training_inputs(same, str(tiny_bert)) == before
    assert training_inputs(changed(path, training={"seeds": [3]}), str(tiny_bert)) != before


def test_conversion_follows_from_checkpoints_and_the_texts_that_it_compares_on(make_round, tmp_path):
    round_ = read_round(make_round())
    before = conversion_inputs(round_, {"positive": "version 1"})
    assert conversion_inputs(round_, {"positive": "version 1"}) == before
    assert conversion_inputs(round_, {"positive": "version 2"}) != before
    write_sample(tmp_path / "sample", 250)
    assert conversion_inputs(round_, {"positive": "version 1"}) != before


def test_the_evaluation_follows_from_every_answer_of_the_country(make_round):
    round_ = read_round(make_round())
    before = evaluation_inputs(round_, "3f9a0c11d2e4")
    others = batches_folder(round_.work_path, round_.country, "us-iter7")
    batch = write(others, 6, round_name="us-iter7")
    assert evaluation_inputs(round_, "3f9a0c11d2e4") == before
    answer_batch(batch.folder, lambda _: 1)
    after = evaluation_inputs(round_, "3f9a0c11d2e4")
    assert after != before
    assert (batch.folder / DECIDED_FILE).is_file()
    assert evaluation_inputs(round_, "ffffffffffff") != after


def test_conversion_follows_from_the_column_that_its_texts_stand_in(make_round, tmp_path):
    path = make_round()
    for file in (tmp_path / "sample").glob("*.parquet"):
        rows = pq.read_table(file)
        pq.write_table(rows.append_column("full_text", rows["text"]), file)
    sample = {"path": str(tmp_path / "sample"), "text_column": "full_text"}
    before = conversion_inputs(read_round(path), {"positive": "version 1"})
    assert conversion_inputs(changed(path, samples={"evaluation": sample}), {"positive": "version 1"}) != before
