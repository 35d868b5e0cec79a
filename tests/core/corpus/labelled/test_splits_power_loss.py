"""The power goes off while a study's splits and their report are written."""

from pathlib import Path

from tests.support.labelled_files import ids, parquet, prepare, read_report, texts
from tests.support.recovery import Writer, power_cuts


def test_every_state_after_a_power_cut_is_mended_by_the_next_preparation(tmp_path):
    path = parquet(tmp_path / "labelled.parquet", tweet_id=ids(120), text=texts(120), good=[1, 0, 0] * 40)

    def write():
        return prepare(tmp_path, {"path": path})

    def read():
        splits = write()
        return splits, read_report(splits), Path(splits.path).read_bytes()

    cuts = power_cuts(Writer(tmp_path / "splits", write, read, settle=lambda: None, is_private=True))
    assert {"replace", "fsync"} <= set(cuts.calls)
    assert len(cuts.states) > 5
    cuts.require_recovery(cuts.states)
