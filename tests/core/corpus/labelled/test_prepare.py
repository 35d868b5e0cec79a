"""The whole way from one labelled file to splits: drawing, writing, reading back, leakage, too few positives."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.preprocessing import PREPROCESSINGS
from tests.support.labelled_files import (
    FIRST_ID,
    all_rows,
    ids,
    parquet,
    prepare,
    read_report,
    request,
    splits_column,
    texts,
)


@pytest.fixture
def path(tmp_path):
    return parquet(tmp_path / "labelled.parquet", tweet_id=ids(120), text=texts(120), good=[1, 0, 0] * 40)


def with_columns(path, **columns):
    """Replace or add columns of a Parquet file; None drops one."""
    table = pq.read_table(path)
    kept = {name: table[name] for name in table.column_names} | columns
    return parquet(path, **{name: values for name, values in kept.items() if values is not None})


def test_splits_are_drawn_by_seed_stratified_and_in_their_shares(path, tmp_path):
    first = prepare(tmp_path, {"path": path})
    assert first.rows == {"train": 72, "validation": 18, "test": 30}
    assert first.positives == {"good": {"train": 24, "validation": 6, "test": 10}}
    assert read_report(first)["drawn_splits"] == ["validation", "test"]
    assert prepare(tmp_path, {"path": path, "split_seed": 1}).digest != first.digest


def test_the_same_input_gives_the_same_bytes(path, tmp_path):
    first = prepare(tmp_path / "a", {"path": path})
    again = prepare(tmp_path / "b", {"path": path})
    assert first.digest == again.digest
    assert Path(first.path).read_bytes() == Path(again.path).read_bytes()
    assert Path(first.report_path).read_bytes() == Path(again.report_path).read_bytes()


@pytest.mark.parametrize("column", ["tweet_id", "text", "good", "split"])
def test_the_digest_knows_every_column(tmp_path, column):
    columns = {"tweet_id": ids(40), "text": texts(40), "good": [1, 0] * 20, "split": splits_column()}
    settings = {"path": tmp_path / "labelled.parquet", "split_column": "split"}
    parquet(settings["path"], **columns)
    first = prepare(tmp_path, settings)
    columns[column] = columns[column][:-1] + {"tweet_id": [7], "text": ["x"], "good": [1], "split": ["train"]}[column]
    parquet(settings["path"], **columns)
    assert prepare(tmp_path, settings).digest != first.digest


def test_rows_come_back_as_they_were(path, tmp_path):
    splits = prepare(tmp_path, {"path": path})
    assert pq.read_schema(splits.path).names == ["id", "text", "split", "target_good"]
    assert pq.read_schema(splits.path).field("target_good").type == pa.float64()
    rows = all_rows(splits)
    back = dict(zip(rows.ids, zip(rows.texts, rows.targets[:, 0], strict=True), strict=True))
    given = zip(texts(120), [1.0, 0.0, 0.0] * 40, strict=True)
    assert back == dict(zip(ids(120), given, strict=True))


@pytest.mark.parametrize(("first", "type_"), [(2**63 - 60, pa.uint64()), (1, pa.int64())])
def test_large_unsigned_ids_survive(path, tmp_path, first, type_):
    numbers = pa.array(np.arange(120, dtype=np.uint64) + np.uint64(first))
    splits = prepare(tmp_path, {"path": with_columns(path, tweet_id=numbers)})
    assert pq.read_schema(splits.path).field("id").type == type_
    assert sorted(all_rows(splits).ids) == numbers.to_pylist()


def test_labels_may_be_called_like_the_other_columns(path, tmp_path):
    settings = {"path": with_columns(path, a=[1, 0] * 60, b=[0, 1] * 60, c=[1, 0] * 60)}
    splits = prepare(tmp_path, settings, request({"id": "a", "text": "b", "split": "c"}, "multi_label"))
    targets = read_split(splits.path, ["split", "text", "id"], "train").targets
    assert (targets[:, 0] == targets[:, 2]).all()
    assert (targets[:, 0] == 1 - targets[:, 1]).all()


def test_reading_a_split_or_label_that_is_not_there_is_refused(path, tmp_path):
    splits = prepare(tmp_path, {"path": path})
    for labels, split in ((["bad"], "train"), (["good"], "dev")):
        with pytest.raises(InputDataError, match="target_good"):
            read_split(splits.path, labels, split)


def test_equal_texts_share_a_drawn_split(path, tmp_path):
    splits = prepare(tmp_path, {"path": with_columns(path, text=texts(60) * 2, good=[1, 0] * 60)})
    seen = [set(read_split(splits.path, ["good"], split).texts) for split in SPLITS]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 60
    assert read_report(splits)["duplicate_texts"] == 60
    assert read_report(splits)["duplicate_texts_with_other_labels"] == 0


@pytest.fixture
def lower_case(monkeypatch):
    monkeypatch.setitem(PREPROCESSINGS, "test_lower", str.lower)
    return "test_lower"


def test_texts_that_preprocessing_makes_equal_share_a_drawn_split(path, tmp_path, lower_case):
    pairs = [text if number % 2 else text.upper() for number, text in enumerate(np.repeat(texts(60), 2).tolist())]
    settings = {"path": with_columns(path, text=pairs, good=[1, 1, 0, 0] * 30)}
    splits = prepare(tmp_path, settings, request(preprocessing=lower_case))
    seen = [{text.lower() for text in read_split(splits.path, ["good"], split).texts} for split in SPLITS]
    assert sum(map(len, seen)) == 60


def test_texts_that_white_space_tells_apart_share_a_drawn_split(path, tmp_path):
    pairs = [text if number % 2 else f" {text} \n" for number, text in enumerate(np.repeat(texts(60), 2).tolist())]
    splits = prepare(tmp_path, {"path": with_columns(path, text=pairs, good=[1, 1, 0, 0] * 30)})
    seen = [{text.strip() for text in read_split(splits.path, ["good"], split).texts} for split in SPLITS]
    assert sum(map(len, seen)) == 60


def test_texts_equal_only_after_preprocessing_are_refused_in_given_splits(tmp_path, lower_case):
    given = [*texts(37), "TEXT 0", "Text  1", "other"]
    columns = {"tweet_id": ids(40), "text": given, "good": [1, 0] * 20, "split": splits_column()}
    settings = {"path": parquet(tmp_path / "a.parquet", **columns), "split_column": "split"}
    assert sum(prepare(tmp_path, settings).rows.values()) == 40
    message = r"(?s)2 texts of .*\['train', 'test'\], after preprocessing: 'text 0', 'TEXT 0'\n.*'text 1', 'Text  1'"
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, settings, request(preprocessing=lower_case))
    report = json.loads((tmp_path / "splits" / "good-refused.report.json").read_text())
    assert report["leaked_texts"] == [
        {"text": "text 0", "splits": ["train", "test"], "equal_after_preprocessing": ["TEXT 0"]},
        {"text": "text 1", "splits": ["train", "test"], "equal_after_preprocessing": ["Text  1"]},
    ]


def test_texts_that_white_space_tells_apart_are_refused_in_given_splits(tmp_path):
    given = [*texts(39), "text\t0 "]
    columns = {"tweet_id": ids(40), "text": given, "good": [1, 0] * 20, "split": splits_column()}
    settings = {"path": parquet(tmp_path / "a.parquet", **columns), "split_column": "split"}
    with pytest.raises(InputDataError, match=r"(?s)1 texts .*after preprocessing: 'text 0', 'text\\t0 '"):
        prepare(tmp_path, settings)


def test_ids_in_two_splits_with_other_texts_are_refused_shown_and_listed(tmp_path):
    columns = {"tweet_id": ids(30) + ids(10), "text": texts(40), "good": [1, 0] * 20, "split": splits_column()}
    columns["tweet_id"][39] = 7
    settings = {"path": parquet(tmp_path / "a.parquet", **columns), "split_column": "split"}
    with pytest.raises(
        InputDataError, match=r"(?s)9 ids of .*good-refused.*set labelled_data.id_column to null"
    ) as refused:
        prepare(tmp_path, settings)
    assert f"['train', 'test']: {ids(5)[4]}" in str(refused.value)
    assert str(ids(6)[5]) not in str(refused.value)
    report = json.loads((tmp_path / "splits" / "good-refused.report.json").read_text())
    assert report["ids_in_two_splits"] == [
        {"id": id_, "texts": {"train": f"text {row}", "test": f"text {row + 30}"}} for row, id_ in enumerate(ids(9))
    ]
    assert sum(prepare(tmp_path, settings | {"id_column": None}).rows.values()) == 40
    assert not list((tmp_path / "splits").glob("*refused*"))


@pytest.mark.parametrize("positives", [5, 7, 9])
def test_a_rare_label_reaches_every_split_of_a_multi_label_draw(tmp_path, positives):
    rare = [1] * positives + [0] * (300 - positives)
    columns = {"common": [1, 0] * 150, "rare": rare, "other": [0, 1, 1] * 100}
    file = parquet(tmp_path / "a.parquet", tweet_id=ids(300), text=texts(300), **columns)
    for seed in range(5):
        splits = prepare(tmp_path, {"path": file, "split_seed": seed}, request(tuple(columns), "multi_label"))
        assert min(splits.positives["rare"].values()) >= 1
        assert splits.positives["rare"]["test"] >= 2


def test_only_the_missing_split_is_drawn_from_train(path, tmp_path):
    settings = {"path": with_columns(path, part=["Train"] * 90 + ["holdout"] * 30), "split_column": "part"}
    splits = prepare(tmp_path, settings)
    assert read_split(splits.path, ["good"], "test").ids == ids(120)[90:]
    assert splits.rows == {"train": 77, "validation": 13, "test": 30}
    assert read_report(splits)["drawn_splits"] == ["validation"]


def test_split_names_have_aliases_and_blanks_are_left_out(path, tmp_path):
    names = ["training"] * 50 + ["dev"] * 10 + ["val"] * 10 + ["valid"] * 10 + ["test"] * 20 + [None] * 12 + [" "] * 8
    column = pa.array(names).dictionary_encode()
    splits = prepare(tmp_path, {"path": with_columns(path, part=column), "split_column": "part"})
    assert splits.rows == {"train": 50, "validation": 30, "test": 20}
    assert splits.left_out == {"blank split": 20}
    assert read_report(splits)["drawn_splits"] == []


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (["train"] * 60 + ["eval"] * 60, r"holds \['eval'\]; allowed are train, training, validation, .* and blank"),
        (["dev"] * 60 + ["test"] * 60, r"no row of .* is in the train split: the splits are \['test', 'validation'\]"),
        ([None] * 120, "no row of .* is in the train split"),
    ],
)
def test_other_splits_are_refused(path, tmp_path, part, message):
    settings = {"path": with_columns(path, part=pa.array(part, pa.string())), "split_column": "part"}
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, settings)


def test_texts_in_two_splits_are_refused_shown_and_listed(tmp_path):
    given = [*texts(32), *texts(8)]
    columns = {"tweet_id": ids(40), "text": given, "good": [1, 0] * 20, "split": splits_column()}
    settings = {"path": parquet(tmp_path / "a.parquet", **columns), "split_column": "split"}
    with pytest.raises(
        InputDataError, match=r"(?s)8 texts of .*\['train', 'test'\]: 'text 0'.*good-refused"
    ) as refused:
        prepare(tmp_path, settings)
    assert "text 4" in str(refused.value)
    assert "text 5" not in str(refused.value)
    report = json.loads((tmp_path / "splits" / "good-refused.report.json").read_text())
    assert report["leaked_texts"] == [{"text": text, "splits": ["train", "test"]} for text in texts(8)]
    assert not list((tmp_path / "splits").glob("*.parquet"))
    prepare(tmp_path, settings | {"split_column": None})
    assert not list((tmp_path / "splits").glob("*refused*"))


def test_where_keeps_only_the_named_rows(path, tmp_path):
    settings = {"path": with_columns(path, lang=pa.array(["en", "es"] * 60).dictionary_encode(), year=[2020] * 120)}
    splits = prepare(tmp_path, settings | {"where": {"lang": "es", "year": "2020"}})
    assert sorted(all_rows(splits).ids) == ids(120)[1::2]
    assert splits.left_out == {"other rows (labelled_data.where)": 60}
    nested = with_columns(settings["path"], tags=[{"a": 1}] * 120)
    with pytest.raises(InputDataError, match=r"where names the column 'tags' .*, which cannot be compared"):
        prepare(tmp_path, {"path": nested, "where": {"tags": "a"}})
    with pytest.raises(InputDataError, match=r"has 120 rows and none with labelled_data.where \{'lang': 'pt'\}"):
        prepare(tmp_path, settings | {"where": {"lang": "pt"}})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": None}, "no column 'text', which the round file names as its text column"),
        ({"good": None}, "no column 'good'"),
        ({"tweet_id": None}, "no column 'tweet_id'.*set labelled_data.id_column to null"),
        ({"good": [0] * 120}, "train split of label 'good' .* has 0 positives and 72 negatives"),
        ({"good": [1] * 120}, "needs at least 1 positives and 1 negative"),
        ({"good": [0, 1, 2] * 40}, r"holds \[2.0\]; allowed are 1, 0 and blank.*labelled_data.targets to soft"),
        ({"good": [0, 0.5, 1] * 40}, r"holds \[0.5\]"),
        ({"good": ["yes", "no"] * 60}, r"label 'good' .* holds \['yes', 'no'\]"),
        ({"good": [[1], [0]] * 60}, "has type list.*labelled_data.label_column"),
        ({"good": pa.array([None] * 120, pa.int8())}, r"'good' .* is blank in all 120 rows.*set the label to null"),
        ({"text": list(range(120))}, "text column 'text' .* has type int64; it must hold strings"),
        ({"text": [" "] * 120}, "no labelled row is left of 120: left out are {'blank text': 120}"),
    ],
)
def test_bad_columns_get_a_clear_error(path, tmp_path, columns, message):
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, {"path": with_columns(path, **columns)})


@pytest.mark.parametrize(
    ("good", "metric", "message"),
    [
        (
            [1] * 3 + [0] * 117,
            "roc_auc",
            r"validation split .* has 1 positives .* needs at least 2 .*raise labelled_data",
        ),
        (
            [1, 0, 0] * 40,
            "precision_at_20",
            "validation split .* has 6 positives .* at least 20 .*another training.metric",
        ),
        ([1] * 105 + [0] * 15, "precision_at_50", "has 16 positives and 2 negatives.*at least 50"),
    ],
)
def test_too_few_positives_for_the_metric_are_refused(path, tmp_path, good, metric, message):
    with pytest.raises(InputDataError, match=message):
        prepare(tmp_path, {"path": with_columns(path, good=good)}, request(metric=metric))


def test_a_given_split_with_too_few_is_not_told_to_raise_its_share(tmp_path):
    columns = {"tweet_id": ids(40), "text": texts(40), "good": [1, 0] * 15 + [0] * 10, "split": splits_column()}
    settings = {"path": parquet(tmp_path / "a.parquet", **columns), "split_column": "split"}
    with pytest.raises(InputDataError, match=r"test split .* 0 positives and 10 negatives") as refused:
        prepare(tmp_path, settings)
    assert "test_share" not in str(refused.value)


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float64()])
def test_float_ids_are_refused_with_the_count_of_the_lost(path, tmp_path, dtype):
    numbers = np.array(ids(120), dtype=np.float64)
    numbers[:20] = range(20)
    with pytest.raises(InputDataError, match=r"100 of 120 ids are beyond 2\^53"):
        prepare(tmp_path, {"path": with_columns(path, tweet_id=pa.array(numbers).cast(dtype))})


@pytest.mark.parametrize(
    "id_", ["2.71832489310437e+17", "2,71832E+17", "3e+17", "271832489310437000.0", "271832489310437000."]
)
def test_ids_in_float_notation_are_refused_and_counted(path, tmp_path, id_):
    given = [id_, "123.0", *map(str, ids(118))]
    with pytest.raises(InputDataError, match=r"2 of 120 ids .* written as floats.*123\.0.*1 of 2 ids are beyond 2\^53"):
        prepare(tmp_path, {"path": with_columns(path, tweet_id=given)})


def test_ids_that_only_look_like_floats_are_kept(path, tmp_path):
    given = ["7123e45", "1.2.3", "v1.5", "0704.0001", *map(str, ids(116))]
    splits = prepare(tmp_path, {"path": with_columns(path, tweet_id=given)})
    assert set(all_rows(splits).ids) == set(given)
    assert str(FIRST_ID) in given
