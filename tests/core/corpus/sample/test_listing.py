import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.corpus.sample.reading import draw_texts, read_rows
from tasks.core.round.sections import Sample
from tests.support.round_files import write_sample


@pytest.fixture
def sample(tmp_path):
    return Sample(path=write_sample(tmp_path / "sample", 103, files=3, row_group_size=10))


def test_files_are_listed_in_name_order_with_their_row_groups(sample):
    files = list_sample(sample)
    assert [file.name for file in files] == ["part-0.parquet", "part-1.parquet", "part-2.parquet"]
    assert [file.rows for file in files] == [35, 34, 34]
    assert files[0].row_groups == (10, 10, 10, 5)


@pytest.mark.parametrize(("start", "stop"), [(0, 35), (0, 1), (9, 11), (10, 20), (25, 35), (34, 35)])
def test_a_row_range_is_read_across_row_groups(sample, start, stop):
    file = list_sample(sample)[0]
    whole = pq.read_table(file.path)
    part = read_rows(file.path, start, stop, "tweet_id", "text")
    assert part["id"].to_pylist() == whole["tweet_id"].to_pylist()[start:stop]
    assert part["text"].to_pylist() == whole["text"].to_pylist()[start:stop]


def test_texts_are_drawn_by_seed_without_replacement(sample):
    files = list_sample(sample)
    drawn = draw_texts(files, sample, 40, 3, "conversion.parity_texts")
    assert drawn == draw_texts(files, sample, 40, 3, "conversion.parity_texts")
    assert drawn != draw_texts(files, sample, 40, 4, "conversion.parity_texts")
    assert len(set(drawn)) == 40


def test_blank_texts_are_made_up_for_and_too_few_are_refused(sample):
    path = sample.path / "part-0.parquet"
    table = pq.read_table(path)
    texts = [None, "", " "] * 10 + table["text"].to_pylist()[30:]
    pq.write_table(table.set_column(1, "text", pa.array(texts)), path, row_group_size=10)
    files = list_sample(sample)
    drawn = draw_texts(files, sample, 73, 3, "conversion.parity_texts")
    assert len(set(drawn)) == 73
    assert all(text.strip() for text in drawn)
    with pytest.raises(InputDataError, match=r"has 73 texts that are not blank, .* is 74"):
        draw_texts(files, sample, 74, 3, "conversion.parity_texts")


def test_a_sample_without_rows_is_refused(tmp_path):
    path = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"tweet_id": pa.array([], pa.int64()), "text": pa.array([], pa.string())}), path)
    with pytest.raises(InputDataError, match="1 files and no rows"):
        list_sample(Sample(path=path))


def test_a_changed_file_has_another_digest(sample):
    before = list_sample(sample)[0]
    table = pq.read_table(before.path)
    pq.write_table(table.set_column(1, "text", pa.array(["changed"] * 35)), before.path, row_group_size=10)
    assert list_sample(sample)[0].digest != before.digest


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"tweet_id": [1.0, 2.0**60], "text": ["a", "b"]}), r"has type double.*1 of 2 ids are beyond 2\^53"),
        (pa.table({"tweet_id": [[1]], "text": ["a"]}), "has type list"),
        (pa.table({"tweet_id": [1], "body": ["a"]}), "no column 'text'"),
        (pa.table({"tweet_id": [1], "text": [7]}), "it must hold strings"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_by_name(sample, table, message):
    path = sample.path / "part-9.parquet"
    pq.write_table(table, path)
    with pytest.raises(InputDataError, match=message) as error:
        list_sample(sample)
    assert str(path) in str(error.value)


def test_a_torn_file_is_refused_by_name(sample):
    path = sample.path / "part-1.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputDataError, match=r"part-1\.parquet is not a whole Parquet file"):
        list_sample(sample)


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(InputDataError, match="no sample at"):
        list_sample(Sample(path=tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputDataError, match=r"holds no \.parquet file"):
        list_sample(Sample(path=tmp_path / "empty"))


def test_what_other_programs_leave_is_not_read_and_foreign_files_are_refused(sample, tmp_path):
    names = [file.name for file in list_sample(sample)]
    for leftover in ("_SUCCESS", "_temporary/0/part-0.parquet", ".ipynb_checkpoints/part-0.parquet"):
        (sample.path / leftover).parent.mkdir(parents=True, exist_ok=True)
        (sample.path / leftover).write_bytes((sample.path / "part-0.parquet").read_bytes())
    assert [file.name for file in list_sample(sample)] == names
    elsewhere = write_sample(tmp_path / "elsewhere", 20, files=1)
    (sample.path / "linked").symlink_to(elsewhere)
    assert [file.name for file in list_sample(sample)] == ["linked/part-0.parquet", *names]
    (sample.path / "more.csv").write_text("tweet_id,text")
    with pytest.raises(InputDataError, match=r"several kinds: 4 Parquet, such as .*; 1 CSV, such as .*more\.csv"):
        list_sample(sample)


def test_ids_of_several_types_are_refused(sample):
    pq.write_table(pa.table({"tweet_id": ["a"], "text": ["b"]}), sample.path / "part-9.parquet")
    with pytest.raises(InputDataError, match=r"several types: int64 in .*, string in .*part-9\.parquet"):
        list_sample(sample)
