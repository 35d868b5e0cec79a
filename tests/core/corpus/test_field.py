"""Samples and labelled data of the field's faults, which are not in the repository, behave as their READMEs say."""

import os

import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.faults import TornFileError
from tasks.core.corpus.labelled.prepare import prepare_splits
from tasks.core.corpus.sample.listing import survey_sample
from tasks.core.corpus.sample.reading import read_rows
from tasks.core.round.sections import LabelledData, Sample
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.support.labelled_files import all_rows, request
from tests.support.unprivileged import open_folder, unprivileged


def ids_of(path, **settings):
    """Return the ids of a sample's rows that can be scored, and the reasons of those that cannot."""
    sample = Sample(path=path, **settings)
    tables = [read_rows(file.path, 0, file.rows, "tweet_id", "text") for file in survey_sample(sample).files]
    parts = [part_rows(table) for table in tables if len(table)]
    assert len({table.schema.field("id").type for table in tables if len(table)}) == 1
    return [id_ for good, _ in parts for id_ in good["id"].to_pylist()], [
        reason for _, bad in parts for reason in bad["reason"].to_pylist()
    ]


def splits_of(path, tmp_path, labels):
    return prepare_splits(LabelledData(path=path), request(labels), tmp_path / "splits")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("category_id/a.parquet", None),
        ("category_text/a.parquet", None),
        ("string_view_text/a.parquet", None),
        ("empty_part_of_null_type/sample", 30),
        ("int32_and_int64_ids/sample", None),
        ("underscore_partition/sample", 30),
        ("zero_byte_csv_part/sample", 2),
    ],
)
def test_samples_with_which_nothing_is_wrong_are_read(field, name, rows):
    path = field(name.split("/")[0]) / name.split("/")[1]
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    scored, quarantined = ids_of(path)
    assert len(scored) == (rows or sum(pq.read_metadata(file).num_rows for file in files))
    assert quarantined == []


def test_blank_ids_are_quarantined(field):
    scored, quarantined = ids_of(field("csv_blank_ids") / "a.csv")
    assert {"", "nan"}.isdisjoint({id_.strip() for id_ in scored})
    assert quarantined == [f"id is blank: {word!r}" for word in ("", "", "  ", "nan")]


def test_rows_of_class_null_are_left_out_and_counted(field, tmp_path):
    path = field("class_null_counts_as_negative") / "l.tsv"
    data = LabelledData(path=path, label_column="subtask_b")
    splits = prepare_splits(data, request({"tin": "TIN"}), tmp_path / "splits")
    nulls = sum(line.endswith("\tNULL") for line in path.read_text(encoding="utf-8").splitlines())
    assert splits.left_out == {"blank tin": nulls}


def test_ids_of_other_digits_stay_apart(field, tmp_path):
    path = field("ids_of_other_digits") / "l.csv"
    label = path.read_text(encoding="utf-8").splitlines()[0].split(",")[-1]
    splits = splits_of(path, tmp_path, (label,))
    assert {"13", "1٣"} <= set(all_rows(splits).ids)
    assert splits.left_out == {}


def test_structs_as_labels_are_refused_by_name(field, tmp_path):
    path = field("label_column_of_structs") / "l.parquet"
    (column,) = (one.name for one in pq.read_schema(path) if str(one.type).startswith("struct"))
    for data in (LabelledData(path=path, label_column=column), LabelledData(path=path)):
        with pytest.raises(InputDataError, match=rf"'{column}'.* has type struct"):
            prepare_splits(data, request({"good": column}), tmp_path / "splits")


def test_latin1_is_refused_by_its_name(field, tmp_path):
    with pytest.raises(InputDataError, match=r"of 60 texts of .*l\.csv are not UTF-8; they look like Latin-1"):
        splits_of(field("latin1_half_left_out") / "l.csv", tmp_path, ("flood",))


def test_a_long_window_is_named_and_never_torn(field):
    with pytest.raises(InputDataError, match=r"Its window is larger than is read\. Recompress it") as refused:
        ids_of(field("zstd_long_window") / "a.jsonl.zst", on_torn_file="skip")
    assert not isinstance(refused.value, TornFileError)


def test_a_second_link_is_refused_by_name(field):
    sample = field("folder_link_doubles_rows") / "sample"
    (sample / "main").symlink_to("main-1234")
    with pytest.raises(InputDataError, match=r"sample/main.* one and the same, by a link"):
        ids_of(sample)


def test_a_name_in_latin1_is_refused_by_name(field):
    sample = field("file_name_not_utf8") / "sample"
    (sample / "rename_me.parquet").rename(sample / os.fsdecode(b"S\xe3o.parquet"))
    with pytest.raises(InputDataError, match=r"S\\xe3o\.parquet is not UTF-8"):
        ids_of(sample)


def test_a_folder_that_cannot_be_listed_is_refused_by_name(field):
    with open_folder() as folder:
        sample = field("unreadable_subfolder", folder) / "sample"
        (sample / "2020-02").chmod(0o000)
        with unprivileged(), pytest.raises(InputDataError, match="2020-02 cannot be listed"):
            ids_of(sample)
