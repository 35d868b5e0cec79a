import pytest
import yaml

from tasks.core.base.errors import RoundFileError
from tasks.core.round.round_file import read_round


def change(path, **changes):
    content = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = content
        for parent in parents:
            node = node[parent]
        node[last] = value
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_round_file_names_its_round(make_round):
    round_ = read_round(make_round())
    assert round_.name == "us-iter0"
    assert round_.registered_model("positive") == "us.positive"
    assert (round_.checkpoint_alias, round_.engine_alias) == ("iter0", "iter0-onnx")


def test_relative_paths_count_from_the_files_folder(make_round, tmp_path):
    path = change(make_round(), labelled_data__path="data/labelled.parquet", work_path="../work")
    round_ = read_round(path)
    assert round_.labelled_data.path == tmp_path / "data" / "labelled.parquet"
    assert round_.work_path == tmp_path.parent / "work"


def test_a_hub_id_is_not_taken_for_a_path_nor_a_folder_for_a_hub_id(make_round, tmp_path):
    assert read_round(change(make_round(), base_model="org/model")).base_model == "org/model"
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert read_round(change(make_round(), base_model="org/model")).base_model == str(tmp_path / "org" / "model")


def test_another_countrys_models_can_score_but_not_be_made(make_round):
    round_ = read_round(change(make_round(), model_country="MX"))
    assert round_.registered_model("positive") == "mx.positive"
    with pytest.raises(RoundFileError, match="Run those flows of mx-iter0"):
        round_.require_own_models()
    read_round(change(make_round(), model_country="US")).require_own_models()


def test_a_null_label_is_left_out(make_round):
    assert read_round(change(make_round(), labels__negative=None)).active_labels == {"positive": "positive"}


@pytest.mark.parametrize("label", ["report", "slurm", "base", "other", "trials", "checkpoint", "quarantine"])
def test_a_label_called_like_a_folder_of_ours_is_refused(make_round, label):
    with pytest.raises(RoundFileError, match=f"no label may be called '{label}'.*Call it '{label}_label'"):
        read_round(change(make_round(), labels={label: "positive"}))
    assert read_round(change(make_round(), labels={f"{label}_label": "positive"})).active_labels


def test_labels_in_files_of_their_own_may_all_use_one_column(make_round):
    labels = {"positive": "class", "negative": "class"}
    path = change(make_round(), labels=labels, labelled_data__layout="per_label_files")
    assert read_round(path).active_labels == labels


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"trainig": {}}, ["trainig", "unknown key", "Allowed are: format, country"]),
        ({"training__epoch": 3}, ["training.epoch", "unknown key", "epochs"]),
        ({"training__epochs": 0}, ["training.epochs", "0", "whole number, at least 1"]),
        ({"training__seeds": [1, 1]}, ["training.seeds", "[1, 1]", "once"]),
        ({"training__metric": "accuracy"}, ["training.metric", "accuracy", "average_precision"]),
        ({"method": 7}, ["method", "7", "[0, 1, 2, 3, 4]"]),
        ({"iteration": "v1"}, ["iteration", "v1", "the registry keeps"]),
        ({"iteration": "Latest"}, ["iteration", "Latest", "the registry keeps"]),
        ({"iteration": "champion"}, ["iteration", "champion"]),
        ({"iteration": "iter"}, ["iteration", "'iter'"]),
        ({"training__seeds": [-1]}, ["training.seeds.0", "-1"]),
        ({"training__seeds": [2**40]}, ["training.seeds.0", "below 4,294,967,296"]),
        ({"labels": {"positive": "positive", "negative": "positive"}}, ["column of its own"]),
        ({"preprocessing": "lower"}, ["preprocessing", "lower", "none"]),
        ({"labels": {"positive": None}}, ["every label is null"]),
        ({"labels": {"Is Unemployed": "x"}}, ["labels.Is Unemployed"]),
        ({"conversion__sample": "new_samples"}, ["new_samples", "evaluation"]),
        ({"samples__Evaluation": {"path": "x"}}, ["differ in case alone", "['Evaluation', 'evaluation']"]),
        ({"labelled_data": "labels.csv"}, ["labelled_data", "labels.csv", "stand below it", "path, layout"]),
        ({"trainig": {}}, ["Did you mean training?"]),
        ({"training__epoch": 3}, ["Did you mean epochs?"]),
        ({"seeds": [1]}, ["seeds: unknown key", "belongs below training"]),
        ({"on_torn_file": "skip"}, ["belongs below samples"]),
        ({"training__country": "US"}, ["stands at the left edge"]),
        ({"samples__evaluation__text": "x"}, ["samples.evaluation.text: unknown key", "Did you mean text_column?"]),
        ({"conversion__variants": "bf16"}, ["variants: [bf16]", "Did you mean openvino-bf16?", "each one of"]),
        ({"conversion__variants": ["openvino-bf61"]}, ["conversion.variants.0", "Did you mean openvino-bf16?"]),
        ({"labels": {"Positive": "Positive"}}, ["labels.Positive", "lower-case letters", "Write positive"]),
        ({"labelled_data__delimiter": ", "}, ["labelled_data.delimiter", "1 character"]),
        ({"training__seeds": [7], "training__minimum_seeds": 2}, ["minimum_seeds is 2", "but seeds lists 1"]),
        ({"training__seeds": 3}, ["Write a list, in brackets: seeds: [3]"]),
    ],
)
def test_an_error_names_the_key_the_value_and_what_is_allowed(make_round, changes, parts):
    path = change(make_round(), **changes)
    with pytest.raises(RoundFileError) as error:
        read_round(path)
    for part in parts:
        assert part in str(error.value)


def test_no_message_speaks_of_types_or_patterns(make_round):
    path = change(
        make_round(), conversion__variants="bf16", labels={"Positive": "x"}, training__epochs=0, country="u s"
    )
    with pytest.raises(RoundFileError) as error:
        read_round(path)
    said = str(error.value)
    assert said.count("\n") == 4
    assert not [word for word in ("tuple", "pattern", "^[", "Input", "pydantic", "should") if word in said]


def test_a_sign_that_yaml_keeps_for_itself_is_said_to_need_quotes(make_round):
    path = write_with(make_round(), "labelled_data:\n", "labelled_data:\n  delimiter: ,\n")
    with pytest.raises(RoundFileError, match=r'(?s)line \d+, column 14.*delimiter: ,.*in quotes.*delimiter: ","'):
        read_round(path)


def test_a_missing_key_is_named(make_round):
    path = make_round()
    content = yaml.safe_load(path.read_text())
    del content["base_model"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(RoundFileError, match=r"base_model: required, but not there\. Training starts from this"):
        read_round(path)


def test_a_copied_file_that_still_describes_the_old_round_is_refused(make_round, tmp_path):
    copy = tmp_path / "us-iter1.yaml"
    copy.write_text(make_round().read_text())
    with pytest.raises(RoundFileError, match=r"must be called us-iter0\.yaml"):
        read_round(copy)


def test_a_file_whose_name_differs_from_another_s_in_case_alone_is_refused(make_round):
    path = make_round()
    twin = path.with_name("us-Iter0.yaml")
    twin.write_text(path.read_text().replace("iteration: iter0", "iteration: Iter0"))
    for one in (path, twin):
        with pytest.raises(RoundFileError, match="differ in case alone"):
            read_round(one)


def test_a_key_that_stands_twice_is_refused(make_round):
    path = make_round()
    path.write_text(path.read_text() + "training:\n  seeds: [7]\n")
    with pytest.raises(RoundFileError, match="the key training stands twice"):
        read_round(path)


def test_yamls_merge_key_may_be_used(make_round):
    path = make_round()
    content = path.read_text().replace("training:\n", "training:\n  <<: {epochs: 7, weight_decay: 0.5}\n")
    path.write_text(content)
    assert read_round(path).training.weight_decay == 0.5
    assert read_round(path).training.epochs == 1


@pytest.mark.parametrize("content", ["country: [", "- a\n- b\n", "\x00"])
def test_what_is_not_a_round_file_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "us-iter0.yaml"
    path.write_text(content)
    with pytest.raises(RoundFileError, match=r"us-iter0\.yaml"):
        read_round(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RoundFileError, match="no round file"):
        read_round(tmp_path / "us-iter9.yaml")


def test_a_samples_text_files_are_converted_below_the_work_path_or_where_the_sample_says(make_round, tmp_path):
    path = make_round()
    assert read_round(path).samples["evaluation"].converted_path == tmp_path / "work" / "converted"
    content = yaml.safe_load(path.read_text())
    content["samples"]["evaluation"]["converted_path"] = "elsewhere"
    path.write_text(yaml.safe_dump(content))
    assert read_round(path).samples["evaluation"].converted_path == tmp_path / "elsewhere"


def write_with(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("country: US", "country: NO", "quote it: 'NO'"),
        ("country: US", "country: 016", "quote it: '016'"),
        ("positive: positive", "positive: 1:30", "quote it: '1:30'"),
        ("  epochs: 1", "  epochs: true", r"training\.epochs: true is not allowed.*quote it"),
        ("  positive: positive", "  positive: 5", r"labels\.positive: 5 is not allowed.*Quote it: '5'"),
        ("  positive: positive", "  positive: true", r"labels\.positive: True is not allowed.*Quote it"),
    ],
)
def test_a_value_that_is_not_what_it_seems_is_refused(make_round, old, new, said):
    with pytest.raises(RoundFileError, match=said):
        read_round(write_with(make_round(), old, new))
