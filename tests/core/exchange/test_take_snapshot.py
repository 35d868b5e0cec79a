"""Decided labels become a snapshot with a version and a digest, and training adds it to its data."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError, TornRecordError
from tasks.core.base.locks import alone
from tasks.core.base.naming.file_names import SNAPSHOT_LABELS_FILE, SNAPSHOT_LOCK
from tasks.core.base.naming.work_places import batch_folder, splits_folder
from tasks.core.base.parquet import read_parquet
from tasks.core.corpus.labelled.label_snapshot import read_about, read_snapshot
from tasks.core.corpus.labelled.prepare import prepare_splits
from tasks.core.exchange.batch import write_batch
from tasks.core.exchange.settle import settle
from tasks.core.exchange.take_snapshot import CONTRADICTED, TWO_TEXTS, gather, take_snapshot
from tests.support.answers import IDS, import_rows, open_batch, said_by
from tests.support.batches import FIRST_ID, TEXTS, about, draws_of, texts_of, write
from tests.support.labelled_files import all_rows, request
from tests.support.recovery import Writer, power_cuts

BOTH = ("positive", "negative")


def labelled(tmp_path):
    """Return a round whose batch has answers: positive of 4 texts, negative of 1."""
    _, round_, settled = open_batch(tmp_path, BOTH)
    rows = [*said_by("ana", ["yes", "no", "yes", "no", "unsure"]), *said_by("ana", ["", "yes"], "negative")]
    _, settled = import_rows(settled, round_, tmp_path, rows)
    return round_, settled


def test_a_snapshot_holds_what_is_decided_and_blanks_stay_blank(tmp_path):
    round_, _ = labelled(tmp_path)
    folder, about = take_snapshot(round_)
    assert folder.name == f"v0001-{about.digest}"
    table = read_snapshot(folder)
    assert table.to_pydict() == {
        "tweet_id": IDS[:4],
        "text": list(TEXTS[:4]),
        "target_negative": [None, 1, None, None],
        "target_positive": [1, 0, 1, 0],
    }
    assert about.labels == {"negative": {"yes": 1, "no": 0}, "positive": {"yes": 2, "no": 2}}
    assert about.undecided == {"negative": {"unanswered": 5}, "positive": {"unsure": 1, "unanswered": 1}}
    assert about.batches["sampling-0123456789ab"]["rule"] == "majority"


def test_the_same_labels_are_the_same_snapshot_and_more_are_the_next_version(tmp_path):
    round_, settled = labelled(tmp_path)
    first = take_snapshot(round_)
    assert take_snapshot(round_) == first
    import_rows(settled, round_, tmp_path, said_by("ben", ["yes", "no", "yes", "no", "yes"]), name="b.csv")
    folder, about = take_snapshot(round_)
    assert (about.version, folder.name[:5]) == (2, "v0002")
    assert read_about(first[0]) == first[1]


def test_no_two_snapshots_have_one_version(tmp_path):
    round_, settled = labelled(tmp_path)
    first, _ = take_snapshot(round_)
    import_rows(settled, round_, tmp_path, said_by("ben", ["no", "no"]), name="b.csv")
    take_snapshot(round_)
    shutil.rmtree(first)
    import_rows(settled, round_, tmp_path, said_by("cat", ["no", "no"]), name="c.csv")
    with ThreadPoolExecutor(1) as pool, alone(first.parent / SNAPSHOT_LOCK):
        waiting = pool.submit(take_snapshot, round_)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
    assert waiting.result()[1].version == 3
    assert len([*first.parent.glob("v*")]) == 2


def test_a_snapshot_that_was_altered_is_not_taken_for_the_same(tmp_path):
    round_, _ = labelled(tmp_path)
    folder, _ = take_snapshot(round_)
    (folder / SNAPSHOT_LABELS_FILE).write_bytes(b"altered")
    with pytest.raises(TornRecordError, match="Move its folder away"):
        take_snapshot(round_)


def test_the_evaluations_labels_train_only_when_asked_for(tmp_path):
    round_, settled = labelled(tmp_path)
    other = write(settled.batch.folder.parent, 6, BOTH, FIRST_ID + 100, kind="evaluation")
    rows = [(str(FIRST_ID + 100), "positive", "ana", "yes")]
    import_rows(settle(other, round_), round_, tmp_path, rows, name="e.csv")
    assert read_snapshot(take_snapshot(round_)[0]).num_rows == 4
    assert read_snapshot(take_snapshot(round_, ("sampling", "evaluation"))[0]).num_rows == 5


def test_what_two_batches_decide_differently_is_left_blank_and_counted(tmp_path):
    round_, settled = labelled(tmp_path)
    other = write(settled.batch.folder.parent, 6, BOTH, batch_id="b" * 12)
    _, second = import_rows(settle(other, round_), round_, tmp_path, said_by("ben", ["no", "no"]), name="b.csv")
    found = gather([settled, second], BOTH)
    assert found.table["target_positive"].to_pylist() == [0, 1, 0]
    assert found.table["tweet_id"].to_pylist() == IDS[1:4]
    assert found.undecided["positive"][CONTRADICTED] == 1


def test_an_id_that_is_another_text_s_in_another_batch_is_left_out_and_counted(tmp_path):
    """Two samples of a round number their texts alike: the last text got the answers to both."""
    round_, settled = labelled(tmp_path)
    folder = batch_folder(settled.batch.folder.parent, "sampling", "b" * 12)
    texts = texts_of(6, BOTH, text=["of another sample", f" {TEXTS[1].upper()} ", *TEXTS[2:]])
    other = write_batch(folder, draws_of(6, BOTH), texts, about("b" * 12))
    _, second = import_rows(settle(other, round_), round_, tmp_path, said_by("ben", ["yes", "no"]), name="b.csv")
    found = gather([settled, second], BOTH)
    assert found.table["tweet_id"].to_pylist() == IDS[1:4]
    assert found.undecided["positive"][TWO_TEXTS] == 1


def test_without_a_decided_label_there_is_no_snapshot(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    with pytest.raises(InputDataError, match=r"no text of .* has a decided label"):
        take_snapshot(round_)
    import_rows(settled, round_, tmp_path, said_by("ana", ["unsure"]))
    with pytest.raises(InputDataError, match="positive: 1 unsure, 5 unanswered"):
        take_snapshot(round_)
    with pytest.raises(InputDataError, match="no labelling batch of the kinds"):
        take_snapshot(round_, ("evaluation",))


def test_an_altered_snapshot_is_refused(tmp_path):
    round_, _ = labelled(tmp_path)
    folder, _ = take_snapshot(round_)
    (folder / SNAPSHOT_LABELS_FILE).write_bytes(b"altered")
    with pytest.raises(TornRecordError, match="make it again"):
        read_snapshot(folder)
    with pytest.raises(InputDataError, match="there is no snapshot"):
        read_snapshot(folder / "none")


@pytest.mark.slow
def test_after_a_power_cut_there_is_a_whole_snapshot_or_none(tmp_path):
    round_, _ = labelled(tmp_path)
    root = tmp_path / "work" / "us" / "us-iter0" / "labels"

    def read():
        found = [path for path in root.glob("v*") if path.is_dir()]
        return read_snapshot(found[0]).to_pydict() if found else None

    cuts = power_cuts(Writer(root, lambda: take_snapshot(round_), read, settle=lambda: None))
    cuts.require_recovery(cuts.drawn(60))


@pytest.mark.parametrize("head", ["binary", "multi_label"])
def test_training_reads_base_data_and_snapshot(tmp_path, head):
    round_, _ = labelled(tmp_path)
    folder, _ = take_snapshot(round_)
    data = round_.labelled_data
    asked = request(("positive",) if head == "binary" else BOTH, head)
    before = prepare_splits(data, asked, splits_folder(tmp_path))
    after = prepare_splits(data.model_copy(update={"added": (folder,)}), asked, splits_folder(tmp_path))
    old, new = all_rows(before), all_rows(after)
    assert set(map(str, new.ids)) == {*map(str, old.ids), *IDS[:4]}
    assert before.digest != after.digest
    targets = dict(zip(map(str, new.ids), new.targets.tolist(), strict=True))
    assert [targets[id_][0] for id_ in IDS[:4]] == [1, 0, 1, 0]
    assert read_parquet(folder / SNAPSHOT_LABELS_FILE).schema.field("target_positive").type == pa.int8()
