import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.corpus.labelled import prepare_splits, read_split
from tasks.core.errors import InputDataError
from tasks.core.round import LabelledData


def rewrite(path, **columns):
    """Replace or add columns of a Parquet file; None drops one."""
    table = pq.read_table(path)
    for name, values in columns.items():
        if name in table.schema.names:
            table = table.drop_columns([name])
        if values is not None:
            table = table.append_column(name, pa.array(values) if isinstance(values, list) else values)
    pq.write_table(table, path)
    return LabelledData(path=path)


def prepare(data, tmp_path, label="positive"):
    return prepare_splits(data, label, label, tmp_path / "splits")


def test_splits_are_drawn_by_seed_and_stratified(labelled_file, tmp_path):
    first = prepare(LabelledData(path=labelled_file), tmp_path)
    again = prepare(LabelledData(path=labelled_file), tmp_path)
    other = prepare(LabelledData(path=labelled_file, split_seed=1), tmp_path)
    assert first == again
    assert first.digest != other.digest
    assert sum(first.rows.values()) == 120
    for split, rows in first.rows.items():
        assert first.positives[split] / rows == pytest.approx(1 / 3, abs=0.05)


def test_ids_come_back_as_the_integers_they_were(labelled_file, tmp_path):
    splits = prepare(LabelledData(path=labelled_file), tmp_path)
    ids = [id_ for split in splits.rows for id_ in read_split(splits.path, split)[0]]
    assert sorted(ids) == list(range(10**17, 10**17 + 120))


def test_equal_texts_share_a_split(labelled_file, tmp_path):
    texts = pq.read_table(labelled_file)["text"].to_pylist()
    splits = prepare(rewrite(labelled_file, text=texts[:60] * 2, positive=[1, 0] * 60), tmp_path)
    seen = [set(read_split(splits.path, split)[1]) for split in splits.rows]
    assert len(set.union(*seen)) == sum(len(texts) for texts in seen)


def test_a_split_column_is_obeyed_and_blanks_are_left_out_and_counted(labelled_file, tmp_path):
    names = ["train"] * 60 + ["validation"] * 20 + ["test"] * 20 + [None] * 20
    labels = [None, *([1, 0] * 59), 1]
    texts = pq.read_table(labelled_file)["text"].to_pylist()
    texts[1] = "  "
    data = rewrite(labelled_file, split=names, positive=labels, text=texts)
    splits = prepare(data.model_copy(update={"split_column": "split"}), tmp_path)
    assert splits.rows == {"train": 58, "validation": 20, "test": 20}
    assert splits.left_out == {"blank id": 0, "blank text": 1, "blank label": 1, "blank split": 20}


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float64()])
def test_float_ids_are_refused_with_the_count_of_the_lost(labelled_file, tmp_path, dtype):
    ids = pq.read_table(labelled_file)["tweet_id"].to_numpy().astype(np.float64)
    ids[:20] = range(20)
    data = rewrite(labelled_file, tweet_id=pa.array(ids).cast(dtype))
    with pytest.raises(InputDataError, match=r"100 of 120 ids are beyond 2\^53"):
        prepare(data, tmp_path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": None}, "no column 'text', which the round file names as its text column"),
        ({"positive": None}, "no column 'positive'"),
        ({"positive": [0] * 120}, "train split of label 'positive' has 0 positives in"),
        ({"positive": [1] * 120}, "needs at least one positive and one negative"),
        ({"positive": [0, 1, 2] * 40}, r"holds \[2\]; allowed are \[0, 1\] and blank"),
        ({"positive": [0, 0.5, 1] * 40}, r"holds \[0.5\]"),
        ({"positive": ["yes", "no"] * 60}, "label column 'positive' .* has type string; it must hold 1, 0 or blank"),
        ({"positive": [[1], [0]] * 60}, "has type list"),
        ({"text": pa.array([b"\xff\xfe", b"x"] * 60).view(pa.string())}, "cannot be read: .*UTF"),
        ({"positive": pa.array([None] * 120, pa.int8())}, "cannot be split into train, validation and test"),
        ({"text": list(range(120))}, "text column 'text' .* has type int64; it must hold strings"),
    ],
)
def test_bad_columns_get_a_clear_error(labelled_file, tmp_path, columns, message):
    with pytest.raises(InputDataError, match=message):
        prepare(rewrite(labelled_file, **columns), tmp_path)


def test_a_text_in_two_splits_is_refused_and_shown(labelled_file, tmp_path):
    texts = pq.read_table(labelled_file)["text"].to_pylist()
    texts[119] = texts[0]
    names = ["train"] * 60 + ["validation"] * 30 + ["test"] * 30
    data = rewrite(labelled_file, text=texts, split=names).model_copy(update={"split_column": "split"})
    with pytest.raises(InputDataError, match=r"(?s)1 texts.*'test', 'train'.*n0 "):
        prepare(data, tmp_path)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(InputDataError, match="no labelled data at"):
        prepare(LabelledData(path=tmp_path / "none.parquet"), tmp_path)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputDataError, match="is not a whole Parquet file"):
        prepare(LabelledData(path=tmp_path / "torn.parquet"), tmp_path)
