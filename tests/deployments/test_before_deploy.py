"""What `winnow deploy` looks at before it asks a server: all that a round reads, and all faults at once."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from deployments.before_deploy import require_inputs
from deployments.doctor.versions import check_versions
from tasks.core.base.errors import RoundFileError
from tests.support.ports import free_port


def change(path, **changes):
    """Set keys of a round file; two underscores part a section from its key."""
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = content
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    path.write_text(yaml.safe_dump(content))
    return path


def refused(*paths):
    with pytest.raises(RoundFileError) as error:
        require_inputs(paths)
    return str(error.value)


def test_a_round_whose_inputs_are_sound_has_nothing_to_say(make_round):
    assert require_inputs([make_round()]) == []


def test_all_faults_are_named_at_once(make_round, tmp_path):
    path = change(
        make_round(),
        base_model=str(tmp_path / "no-model"),
        labelled_data={"path": str(tmp_path / "no-labels.csv")},
        samples={"evaluation": {"path": str(tmp_path / "no-sample")}},
        clusters={"training": "slrum"},
    )
    said = refused(path)
    assert f"{path}: 4 faults" in said
    for part in (
        "no labelled data at",
        "no sample at",
        "no-model: there is no such folder",
        "no cluster profile 'slrum'",
    ):
        assert part in said
    assert said.endswith("--no-check")


def test_faults_of_several_files_are_named_at_once(make_round, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("country: [")
    said = refused(change(make_round(), base_model=str(tmp_path / "gone")), broken)
    assert "1 fault\n" in said
    assert "broken.yaml cannot be read as YAML" in said


def test_every_column_that_is_missing_is_named_with_the_nearest(make_round):
    said = refused(change(make_round(), labelled_data__id_column="id", labelled_data__text_column="txt"))
    assert "no column 'id', which the round file names as its id column, and no column 'txt'" in said
    assert "Did you mean tweet_id? Did you mean text?" in said
    assert said.count("no column 'id'") == 1


def test_a_label_without_a_column_and_one_with_other_values_are_refused(make_round, labelled_file):
    table = pq.read_table(labelled_file)
    pq.write_table(table.set_column(2, "positive", pa.array([2] * len(table), pa.int8())), labelled_file)
    assert "holds [2.0]; allowed are 1, 0 and blank" in refused(make_round())
    said = refused(change(make_round(), labels={"positive": "positve"}))
    assert "no column 'positve', which the round file names as its label positive column" in said
    assert "Did you mean positive?" in said


def test_labels_that_are_too_few_are_refused(make_round, labelled_file):
    table = pq.read_table(labelled_file)
    pq.write_table(table.set_column(3, "negative", pa.array([0] * len(table), pa.int8())), labelled_file)
    assert "label 'negative'" in refused(make_round())


def test_float_ids_are_refused_in_labels_and_sample(make_round, labelled_file, tmp_path):
    path = make_round()
    for file in (labelled_file, tmp_path / "sample" / "part-0.parquet"):
        table = pq.read_table(file)
        pq.write_table(table.set_column(0, "tweet_id", table["tweet_id"].cast(pa.float64(), safe=False)), file)
    said = refused(path)
    assert "2 faults" in said
    assert said.count("beyond 2^53 and no longer exact") == 2


def test_no_sample_that_flows_take_is_found_before_they_run(make_round, tmp_path):
    samples = {"tweets": {"path": str(tmp_path / "sample")}}
    path = change(make_round(), samples=samples, conversion__sample="tweets", sampling__sample="tweets")
    said = refused(path)
    assert "they are called tweets, and none evaluation" in said
    assert "call one of them evaluation" in said


def test_a_sample_that_is_yet_to_come_stands_in_no_way(make_round, tmp_path):
    path = change(make_round(), samples__new_samples={"path": str(tmp_path / "later")})
    (note,) = require_inputs([path])
    assert note.startswith(f"sample new_samples, {tmp_path / 'later'}: there is no sample at")


def test_ids_that_are_all_one_are_not_taken_for_ids(make_round, tmp_path):
    sample = tmp_path / "texts.csv"
    sample.write_text("tweet_id,text\n" + "en,hello\n" * 300)
    assert "is it the column of the ids?" in refused(change(make_round(), samples__evaluation={"path": str(sample)}))


def test_an_odd_row_of_a_sample_is_told_and_stands_in_no_way(make_round, tmp_path):
    sample = tmp_path / "texts.csv.gz"
    rows = "".join(f"{number},text {number}\n" for number in range(300))
    sample.write_bytes(gzip.compress(f"tweet_id,text\n{rows}7,again\n,no id\n9000,\n".encode()))
    (note,) = require_inputs([change(make_round(), samples__evaluation={"path": str(sample)})])
    assert "303 rows in 1 file" in note
    assert "1 of the first 303 have no id" in note
    assert "1 of the first 303 have an id that stands there already" in note
    assert "1 of the first 303 have no text" in note


def test_a_sample_with_fewer_texts_than_conversion_draws_is_refused(make_round):
    said = refused(change(make_round(sample_rows=210), conversion__scored_texts=5_000, conversion__parity_texts=1_000))
    assert "conversion.scored_texts 5,000" in said
    assert "which has 210" in said


def test_a_torn_file_is_refused_unless_the_sample_skips_those(make_round, tmp_path):
    path, part = make_round(), tmp_path / "sample" / "part-0.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    assert "part-0.parquet is not a whole Parquet file" in refused(path)
    assert require_inputs([change(path, samples__evaluation__on_torn_file="skip")]) == []


def test_keys_that_no_json_line_has_are_named(make_round, tmp_path):
    sample = tmp_path / "texts.jsonl"
    lines = [json.dumps({"id_str": str(number), "text": f"text {number}"}) for number in range(300)]
    sample.write_text("\n".join(lines))
    said = refused(change(make_round(), samples__evaluation={"path": str(sample)}))
    assert "no column 'tweet_id'" in said
    assert "It has: id_str, text" in said


def test_fields_that_semicolons_part_are_known_as_that(make_round, tmp_path):
    labels, sample = tmp_path / "labels.csv", tmp_path / "texts.csv"
    for path in (labels, sample):
        path.write_text("tweet_id;text;positive\n" + "".join(f"{n};text {n};{n % 2}\n" for n in range(300)))
    said = refused(change(make_round(), labelled_data={"path": str(labels)}, samples__evaluation={"path": str(sample)}))
    assert "Set labelled_data.delimiter to ';'" in said
    assert "delimiter=';'))\" < texts.csv > NEW.csv" in said


def test_what_another_countrys_round_reads_is_left_out_where_its_models_score(make_round, tmp_path):
    data = {"path": str(tmp_path / "no-labels.csv")}
    path = change(make_round(), model_country="MX", labelled_data=data, base_model=str(tmp_path / "gone"))
    assert require_inputs([path]) == []


def test_a_hub_that_cannot_be_asked_now_stands_in_no_way_and_is_told(make_round, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    (note,) = require_inputs([change(make_round(), base_model="models/bert")])
    assert "there is no such folder beside the round file, and the hub cannot be asked for models/bert now" in note


def test_a_package_of_another_version_is_named():
    check = check_versions(["pyarrow<1", "no-such-package>=3", "pydantic>=2", 'colorama>=99; sys_platform == "win32"'])
    assert check.passed is False
    assert "pyarrow is" in check.found
    assert "no-such-package is not installed" in check.found
    assert "pydantic" not in check.found
    assert "make setup" in check.remedy
