"""A labelling batch is written whole or not at all, and read back as it was written."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError, TornRecordError
from tasks.core.base.naming.file_names import BATCH_FILE, BATCH_TEXTS_FILE
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.exchange.batch import list_batches, place_of, read_batch, write_batch
from tasks.core.exchange.labelled_before import labelled_before, text_key
from tasks.core.exchange.settle import settle
from tasks.core.exchange.take_snapshot import take_snapshot
from tasks.core.round.round_file import read_round
from tests.support.answers import import_rows, said_by
from tests.support.batches import FIRST_ID, TEXTS, about, draws_of, ids, texts_of, write
from tests.support.recovery import Writer, power_cuts
from tests.support.round_files import write_round


def folder_of(tmp_path, kind="sampling", batch_id="0123456789ab"):
    return tmp_path / f"{kind}-{batch_id}"


def put(tmp_path, draws=None, texts=None, said=None):
    return write_batch(folder_of(tmp_path), draws or draws_of(6), texts or texts_of(6), said or about())


def test_a_batch_is_read_as_it_was_written(tmp_path):
    batch = put(tmp_path)
    assert batch.draws.to_pydict() == draws_of(6).to_pydict()
    assert batch.texts["text"].to_pylist() == list(TEXTS)
    assert batch.about.population == {"positive": 1000}
    assert set(batch.about.digests) == {"draws.parquet", "texts.parquet"}
    assert read_batch(batch.folder) == batch


@pytest.mark.parametrize("type_", [pa.int64(), pa.uint64(), pa.string()])
def test_ids_keep_their_type(tmp_path, type_):
    column = pa.array(ids(6)).cast(type_)
    batch = put(tmp_path, draws_of(6, tweet_id=column), texts_of(6, tweet_id=column))
    assert {table.schema.field("tweet_id").type for table in (batch.draws, batch.texts)} == {type_}


def test_columns_may_come_in_another_order_and_in_types_that_hold_the_same(tmp_path):
    draws = draws_of(6).select(sorted(draws_of(6).column_names))
    draws = draws.set_column(draws.column_names.index("rank"), "rank", draws["rank"].cast(pa.int32()))
    assert put(tmp_path, draws).draws.equals(put(tmp_path).draws)


@pytest.mark.parametrize(
    ("draws", "texts", "said"),
    [
        ({"tweet_id": np.array(ids(6), float)}, {}, "Floats have lost digits"),
        ({"method": ["guess"] * 6}, {}, "draws were made by ['guess']; allowed are ['exploit'"),
        ({"score": [float("nan")] * 6}, {}, "NaN or infinite"),
        ({"inclusion_probability": [0.0] + [1.0] * 5}, {}, "from 0.0 to 1.0"),
        ({"inclusion_probability": [None] + [1.0] * 5}, {}, "nulls in ['inclusion_probability']"),
        ({"inclusion_probability": [1.5] + [1.0] * 5}, {}, "from 1.0 to 1.5"),
        ({"more": [1] * 6}, {}, "must have the columns"),
        ({"rank": ["first"] * 6}, {}, "cannot be written"),
        ({}, {"tweet_id": [ids(1)[0]] * 6}, "stands twice"),
        ({"tweet_id": ids(6, 7)}, {}, "not among the texts"),
        ({}, {"labels": ("positive", "other_label")}, "goes out for"),
        ({}, {"text": [None] * 6}, "nulls in ['text']"),
    ],
)
def test_tables_that_are_no_batch_are_refused(tmp_path, draws, texts, said):
    with pytest.raises(InputDataError) as error:
        put(tmp_path, draws_of(6, **draws), texts_of(6, **texts))
    assert said in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_has_the_batchs_name(tmp_path):
    with pytest.raises(InputDataError, match="the folder is called <kind>-<batch_id>"):
        write_batch(tmp_path / "elsewhere", draws_of(6), texts_of(6), about())
    with pytest.raises(InputDataError, match="kinds are"):
        write_batch(folder_of(tmp_path, "labels"), draws_of(6), texts_of(6), about(kind="labels"))


def test_what_went_out_is_never_written_over(tmp_path):
    first = put(tmp_path)
    assert put(tmp_path) == first
    with pytest.raises(InputDataError, match="holds other draws"):
        put(tmp_path, draws_of(6, score=[0.5] * 6))
    assert read_batch(first.folder) == first


def test_an_altered_batch_is_refused(tmp_path):
    batch = put(tmp_path)
    pq.write_table(texts_of(6, text=["changed"] * 6), batch.folder / BATCH_TEXTS_FILE)
    with pytest.raises(TornRecordError, match=r"\['texts.parquet'\] are not the files"):
        read_batch(batch.folder)


def test_a_folder_without_a_batch_is_named(tmp_path):
    with pytest.raises(InputDataError, match=f"lacks {BATCH_FILE}"):
        read_batch(tmp_path)


def test_after_a_power_cut_there_is_a_whole_batch_or_none(tmp_path):
    def read():
        try:
            return read_batch(folder_of(tmp_path / "batches")).about
        except (InputDataError, TornRecordError):
            return None

    cuts = power_cuts(Writer(tmp_path / "batches", lambda: put(tmp_path / "batches"), read, settle=lambda: None))
    assert len(cuts.states) > 5
    cuts.require_recovery(cuts.drawn(200))


def test_batches_of_a_round_are_listed(tmp_path):
    round_ = read_round(write_round(tmp_path, tmp_path / "base"))
    assert list_batches(round_) == []
    for batch_id in ("b" * 12, "a" * 12):
        batch = write(batches_folder(round_.work_path, "US", round_.name), batch_id=batch_id)
        assert batch.folder == place_of(round_, "sampling", batch_id)
    assert [path.name for path in list_batches(round_)] == [f"sampling-{'a' * 12}", f"sampling-{'b' * 12}"]


def test_what_was_labelled_or_went_out_is_known_by_id_and_by_text(tmp_path):
    round_ = read_round(write_round(tmp_path, tmp_path / "base"))
    labelled = pq.read_table(round_.labelled_data.path)
    for other, first in (("us-iter0", FIRST_ID), ("us-iter1-adaptive", FIRST_ID + 100)):
        write(batches_folder(round_.work_path, "US", other), first=first, batch_id=f"{first:012d}"[-12:])
    write(batches_folder(round_.work_path, "MX", "mx-iter0"), first=9, batch_id="d" * 12, country="MX")
    known = labelled_before(round_)
    expected = {*map(str, labelled["tweet_id"].to_pylist()), *ids(6), *ids(6, FIRST_ID + 100)}
    assert set(known["tweet_id"].to_pylist()) == expected
    assert text_key(labelled["text"][0].as_py()) in known["text_key"].to_pylist()
    assert text_key(f"  {TEXTS[0].upper()}") in known["text_key"].to_pylist()
    without = labelled_before(round_, but=f"{FIRST_ID:012d}"[-12:])
    assert set(without["tweet_id"].to_pylist()) == expected - set(ids(6))


def test_added_snapshots_were_labelled_before_too(tmp_path):
    round_ = read_round(write_round(tmp_path, tmp_path / "base"))
    write(batches_folder(round_.work_path, "US", round_.name))
    settled = settle(read_batch(list_batches(round_)[0]), round_)
    import_rows(settled, round_, tmp_path, said_by("ana", ["yes"]))
    folder, _ = take_snapshot(round_)
    data = round_.labelled_data.model_copy(update={"added": (folder,)})
    elsewhere = round_.model_copy(update={"labelled_data": data, "work_path": tmp_path / "elsewhere"})
    known = labelled_before(elsewhere)
    assert ids(1)[0] in known["tweet_id"].to_pylist()
    assert text_key(TEXTS[0]) in known["text_key"].to_pylist()


def test_rows_without_ids_of_their_own_are_known_by_their_texts_alone(tmp_path):
    round_ = read_round(write_round(tmp_path, tmp_path))
    data = round_.labelled_data.model_copy(update={"id_column": None})
    known = labelled_before(round_.model_copy(update={"labelled_data": data}))
    assert set(known["tweet_id"].to_pylist()) == {""}
    assert known["text_key"].to_pylist() == labelled_before(round_)["text_key"].to_pylist()


def test_a_text_is_the_same_in_another_case_and_with_other_spaces():
    assert text_key("I lost  my\njob") == text_key("i LOST my job ") == text_key("\uff49 lost my job")
    assert text_key("I lost my job") != text_key("I lost my job!")
