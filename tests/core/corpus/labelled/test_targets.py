"""Label values: hard, soft and votes; a class a row, members, and lists of numbers with names."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError
from tests.support.labelled_files import (
    all_rows,
    delimited,
    ids,
    parquet,
    prepare,
    read_report,
    request,
    texts,
)

NAMES = ("negative", "neutral", "positive")


def prepare_label(tmp_path, values, labels, head="multi_label", **settings):
    path = parquet(tmp_path / "a.parquet", tweet_id=ids(60), text=texts(60), label=values)
    return prepare(tmp_path, {"path": path} | settings, request(labels, head))


def targets_of(splits):
    """Return the targets in the order of the file."""
    rows = all_rows(splits)
    return rows.targets[np.argsort(rows.ids)].tolist()


@pytest.mark.parametrize("type_", [pa.bool_(), pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(22, 1), pa.string()])
def test_hard_labels_of_every_type(tmp_path, type_):
    values = pa.array([True, False] * 30) if type_ == pa.bool_() else pa.array([1, 0] * 30).cast(type_)
    assert targets_of(prepare_label(tmp_path, values, ("label",), "binary")) == [[1.0], [0.0]] * 30


def test_soft_targets_are_kept_and_count_from_one_half(tmp_path):
    splits = prepare_label(tmp_path, [0.0, 0.25, 0.5, 1.0] * 15, ("label",), "binary", targets="soft")
    assert targets_of(splits) == [[0.0], [0.25], [0.5], [1.0]] * 15
    assert sum(splits.positives["label"].values()) == 30


def test_votes_are_divided(tmp_path):
    splits = prepare_label(tmp_path, [0, 1, 2, 3] * 15, ("label",), "binary", targets="soft", votes=3)
    assert targets_of(splits) == [[0.0], [1 / 3], [2 / 3], [1.0]] * 15


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([0.0, 1.5], {"targets": "soft"}, r"holds \[1.5\]; allowed are shares from 0 to 1.*labelled_data.votes"),
        ([0.0, -0.5], {"targets": "soft"}, r"holds \[-0.5\]"),
        ([0.0, np.inf], {"targets": "soft"}, r"holds \[inf\]"),
        ([0, 4], {"targets": "soft", "votes": 3}, r"holds \[4.0\]; allowed are whole numbers .* from 0 to .* \(3\)"),
        ([0.5, 1.0], {"targets": "soft", "votes": 3}, r"holds \[0.5\]; allowed are whole numbers"),
        ([0.5, 1.0], {}, r"holds \[0.5\]; .*labelled_data.targets to soft"),
        ([1, 2**53 + 1], {}, r"holds \[9007199254740992.0\]; allowed are 1, 0 and blank"),
    ],
)
def test_other_numbers_are_refused(tmp_path, values, settings, message):
    with pytest.raises(InputDataError, match=message):
        prepare_label(tmp_path, values * 30, ("label",), "binary", **settings)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 2], [0.0, 1.0, 2.0], ["0", "1", "2"], ["0.0", "1.0", "2.0"], list(NAMES), ["0", "neutral", "2"]],
)
def test_a_class_a_row_by_number_or_name(tmp_path, values):
    settings = {"label_column": "label", "label_names": NAMES}
    splits = prepare_label(tmp_path, values * 20, {"bad": "negative", "good": "positive"}, "multi_class", **settings)
    assert splits.left_out == {"another class": 20}
    assert targets_of(splits) == [[1.0, 0.0], [0.0, 1.0]] * 20
    binary = prepare_label(tmp_path, values * 20, {"good": "positive"}, "binary", **settings)
    assert targets_of(binary) == [[0.0], [0.0], [1.0]] * 20


def test_a_class_in_a_text_file(tmp_path):
    lines = [(id_, text, number % 3) for number, (id_, text) in enumerate(zip(ids(60), texts(60), strict=True))]
    path = delimited(tmp_path / "a.csv", ("tweet_id", "text", "label"), lines)
    settings = {"path": path, "label_column": "label", "label_names": NAMES}
    splits = prepare(tmp_path, settings, request(NAMES, "multi_class"))
    assert targets_of(splits) == np.tile(np.eye(3), (20, 1)).tolist()


def test_class_numbers_without_names_are_the_values(tmp_path):
    asked = {"two": "2", "one": "1"}
    splits = prepare_label(tmp_path, [1, 2, 2] * 20, asked, "multi_class", label_column="label")
    assert targets_of(splits) == [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]] * 20


@pytest.mark.parametrize(
    "values", [[0, 1, 3], [0, -1, 2], ["0", "neutral", "mixed"], [0.0, 1.5, 2.0], [0.0, np.inf, 2.0]]
)
def test_classes_without_a_name_are_refused(tmp_path, values):
    settings = {"label_column": "label", "label_names": NAMES}
    with pytest.raises(
        InputDataError, match=r"label column 'label' of .* holds \[.*\]; allowed are numbers from 0 to 2"
    ):
        prepare_label(tmp_path, values * 20, NAMES, "multi_class", **settings)


def test_a_label_that_is_no_name_is_refused(tmp_path):
    settings = {"label_column": "label", "label_names": NAMES}
    with pytest.raises(InputDataError, match=r"values \['good'\], which are not in labelled_data.label_names"):
        prepare_label(tmp_path, [0, 1, 2] * 20, {"a": "neutral", "b": "good"}, "multi_class", **settings)


@pytest.mark.parametrize("type_", [pa.list_(pa.int8()), pa.large_list(pa.float32())])
def test_lists_of_numbers_are_aligned_with_their_names(tmp_path, type_):
    values = pa.array([[1, 0, 0], [0, 1, 1], [0, None, 1], None] * 15, type_)
    settings = {"label_column": "label", "label_names": NAMES}
    splits = prepare_label(tmp_path, values, {"good": "positive", "so_so": "neutral"}, **settings)
    assert splits.left_out == {"every label blank": 15}
    targets = targets_of(splits)
    assert targets[:2] == [[0.0, 0.0], [1.0, 1.0]]
    assert targets[2][0] == 1
    assert np.isnan(targets[2][1])


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([[1, 0], [0, 1, 1]], {"label_names": NAMES}, r"30 of 60 lists .* another length .* names 3 places: \[2\]"),
        ([[1, 0], [0, 1]], {"label_names": NAMES}, "60 of 60 lists"),
        ([[1, 0], [0, 1]], {}, "lists of numbers; name their places in labelled_data.label_names"),
        ([[0, 0, 2], [0, 1, 1]], {"label_names": NAMES}, r"holds \[2.0\]; allowed are 1, 0 and blank"),
        ([["neutral"], ["mixed"]], {"label_names": NAMES}, r"holds \['mixed'\]; allowed are lists of strings"),
        ([["neutral"], ["positive"]], {"targets": "soft"}, "targets is soft, but .* holds names of classes"),
        ([[0, 0, 2**53 + 1], [0, 1, 1]], {"label_names": NAMES}, "allowed are 1, 0 and blank"),
        (["neutral", "positive"], {"targets": "soft"}, "targets is soft, but .* holds one class a row"),
        ([[[1]], [[0]]], {"label_names": ("positive",)}, "lists must hold numbers or strings"),
    ],
)
def test_bad_lists_are_refused(tmp_path, values, settings, message):
    with pytest.raises(InputDataError, match=message):
        prepare_label(tmp_path, values * 30, {"good": "positive"}, label_column="label", **settings)


def test_lists_of_a_fixed_size(tmp_path):
    values = pa.array([[1, 0, 0], [0, 1, 1]] * 30, pa.list_(pa.int64(), 3))
    settings = {"label_column": "label", "label_names": NAMES}
    assert (
        targets_of(prepare_label(tmp_path, values, {"good": "positive"}, "binary", **settings)) == [[0.0], [1.0]] * 30
    )


def test_lists_of_members(tmp_path):
    values = [["positive"], ["neutral", "positive"], [], None] * 15
    splits = prepare_label(tmp_path, values, {"good": "positive", "so_so": "neutral"}, label_column="label")
    assert splits.left_out == {"every label blank": 15}
    assert targets_of(splits) == [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]] * 15


@pytest.mark.parametrize(
    "type_",
    [
        pa.list_(pa.string_view()),
        pa.large_list(pa.string_view()),
        pa.list_view(pa.string()),
        pa.large_list_view(pa.string_view()),
    ],
)
def test_members_are_kept_in_lists_of_views_and_in_views_of_lists(tmp_path, type_):
    values = pa.array([["good"], [], None, ["bad", "good"]] * 15, type_)
    splits = prepare_label(tmp_path, values, {"good": "good"}, "binary", label_column="label")
    assert targets_of(splits) == [[1.0], [0.0], [1.0]] * 15
    assert splits.left_out == {"blank good": 15}


@pytest.mark.parametrize("role", ["label", "text"])
@pytest.mark.parametrize("type_", [pa.binary_view(), pa.struct([("inner", pa.string_view())])])
def test_views_that_cannot_be_used_are_refused_by_name(tmp_path, role, type_):
    odd = pa.array([b"a" if type_ == pa.binary_view() else {"inner": "a"}] * 60, type_)
    columns = {"tweet_id": ids(60), "text": texts(60), "label": ["a", "b"] * 30} | {role: odd}
    path = parquet(tmp_path / "a.parquet", **columns)
    with pytest.raises(InputDataError, match=r"a\.parquet (has type|cannot be read as Parquet)"):
        prepare(tmp_path, {"path": path, "label_column": "label"}, request({"good": "a"}))


@pytest.mark.parametrize("word", ["none", "N/A", "", None])
@pytest.mark.parametrize("names", [None, ("joy", "fear")])
def test_a_word_for_null_in_a_list_is_refused_with_what_lets_it_in(tmp_path, word, names):
    values = [["joy"], ["fear"], [word]] * 20
    with pytest.raises(
        InputDataError, match=rf"holds \[{word!r}\]; .*name it beside all others in labelled_data.label_names"
    ):
        prepare_label(tmp_path, values, {"good": "joy"}, "binary", label_column="label", label_names=names)
    if word:
        settings = {"label_column": "label", "label_names": ("joy", "fear", word)}
        assert prepare_label(tmp_path, values, {"good": "joy"}, "binary", **settings).left_out == {}


def test_lists_of_shares(tmp_path):
    settings = {"label_column": "label", "label_names": NAMES, "targets": "soft", "votes": 4}
    splits = prepare_label(tmp_path, [[4, 0, 1], [0, 4, 3]] * 30, {"a": "negative", "b": "positive"}, **settings)
    assert targets_of(splits) == [[1.0, 0.25], [0.0, 0.75]] * 30


@pytest.mark.parametrize("names", [None, ("pos", "neg", "odd")])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value]])
def test_white_space_around_classes_is_dropped_and_every_class_is_counted(tmp_path, wrap, names):
    values = [wrap(value) for value in ["pos", " neg", "pos ", "odd"] * 15]
    settings = {"label_column": "label", "label_names": names}
    splits = prepare_label(tmp_path, values, ("pos", "neg"), "multi_class", **settings)
    assert splits.left_out == {"another class": 15}
    assert targets_of(splits) == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]] * 15
    assert read_report(splits)["classes"] == {"neg": 15, "odd": 15, "pos": 30}


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value]])
def test_classes_that_differ_from_a_label_by_case_only_are_refused(tmp_path, wrap):
    values = [wrap(value) for value in ["pos", "neg", "Pos ", "NEG", "odd", "Odd"] * 10]
    with pytest.raises(
        InputDataError, match=r"holds \['NEG', 'Pos'\]; allowed are the round's values \['pos', 'neg'\]"
    ):
        prepare_label(tmp_path, values, ("pos", "neg"), "multi_label", label_column="label")


def test_numbered_classes_are_counted_by_name(tmp_path):
    settings = {"label_column": "label", "label_names": NAMES}
    splits = prepare_label(tmp_path, [0, 1, 1, None] * 15, {"good": "neutral"}, "binary", **settings)
    assert read_report(splits)["classes"] == {"negative": 15, "neutral": 30}


@pytest.mark.parametrize("word", ["NULL", "None", "nan", "N/A", " "])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_word_for_null_is_no_class_unless_the_round_names_it(tmp_path, word, suffix):
    kinds = ["hit", word, "other"] * 20
    if suffix == "parquet":
        path = parquet(tmp_path / "a.parquet", tweet_id=ids(60), text=texts(60), label=kinds)
    else:
        lines = zip(ids(60), texts(60), kinds, strict=True)
        path = delimited(
            tmp_path / f"a.{suffix}", ("tweet_id", "text", "label"), lines, {"csv": ",", "tsv": "\t"}[suffix]
        )
    settings = {"path": path, "label_column": "label"}
    splits = prepare(tmp_path, settings, request({"good": "hit"}))
    assert splits.left_out == {"blank good": 20}
    assert read_report(splits)["classes"] == {"hit": 20, "other": 20}
    assert read_report(splits)["blank_words"] == splits.blank_words == ({word: 20} if word.strip() else {})
    if word.strip():
        named = prepare(tmp_path, settings | {"label_names": ["hit", word, "other"]}, request({"good": "hit"}))
        assert named.left_out == {}
        asked = prepare(tmp_path, settings, request({"good": word}))
        assert sum(asked.positives["good"].values()) == 20


@pytest.mark.parametrize("asked", ["True", "true"])
def test_truth_values_are_one_class_in_every_format(tmp_path, asked):
    values = [True, False, False] * 20
    made = {
        "a.csv": delimited(
            tmp_path / "a.csv", ("tweet_id", "text", "label"), zip(ids(60), texts(60), values, strict=True)
        ),
        "a.parquet": parquet(tmp_path / "a.parquet", tweet_id=ids(60), text=texts(60), label=values),
    }
    kept = [
        prepare(tmp_path, {"path": path, "label_column": "label"}, request({"good": asked})) for path in made.values()
    ]
    assert [targets_of(splits) for splits in kept] == [[[1.0], [0.0], [0.0]] * 20] * 2
    plain = [prepare(tmp_path, {"path": path}, request({"good": "label"})) for path in made.values()]
    assert [targets_of(splits) for splits in plain] == [[[1.0], [0.0], [0.0]] * 20] * 2


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], ["1.0", "2", "3"], [1, 2, 3], pa.array([1, 2, 3], pa.uint8())])
def test_whole_numbers_are_one_class_however_they_are_written(tmp_path, values):
    column = pa.concat_arrays([pa.array(values)] * 20)
    splits = prepare_label(tmp_path, column, {"good": "1"}, "binary", label_column="label")
    assert targets_of(splits) == [[1.0], [0.0], [0.0]] * 20
    assert read_report(splits)["classes"] == {"1": 20, "2": 20, "3": 20}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": 1}] * 60),
        pa.array([[{"a": 1}]] * 60),
        pa.array([b"a"] * 60),
        pa.array([[("a", 1)]] * 60, pa.map_(pa.string(), pa.int64())),
        pa.array([18_000] * 60, pa.date32()),
    ],
)
@pytest.mark.parametrize("role", ["label_column", "split_column", "labels"])
def test_types_that_are_no_classes_are_refused_by_name(tmp_path, column, role):
    path = parquet(tmp_path / "a.parquet", tweet_id=ids(60), text=texts(60), odd=column, good=[1, 0] * 30)
    settings = {} if role == "labels" else {role: "odd"}
    kind = str(column.type).partition("<")[0].partition("[")[0]
    with pytest.raises(InputDataError, match=rf"'odd'.* has type {kind}"):
        prepare(tmp_path, {"path": path} | settings, request({"good": "odd" if role == "labels" else "good"}))


def test_too_few_positives_say_where_the_rows_went_and_which_classes_there_are(tmp_path):
    kinds = ["hit"] * 2 + ["miss"] * 28 + ["NULL"] * 30
    with pytest.raises(InputDataError, match="Label more texts") as refused:
        prepare_label(tmp_path, kinds, {"good": "hit"}, "binary", label_column="label")
    said = str(refused.value)
    assert "Of 60 rows, left out are {'blank good': 30}. Rows by class: {'hit': 2, 'miss': 28}." in said
    assert "No class is meant by {'NULL': 30}; where one is, name it in labelled_data.label_names." in said
    with pytest.raises(InputDataError, match=r"is blank in all 60 rows.*No class is meant by \{'None': 60\}"):
        prepare_label(tmp_path, ["None"] * 60, {"good": "hit"}, "binary", label_column="label")
