"""Labels that arrived: imported once, and one round for a snapshot, however often they are looked at."""

import pytest
import yaml

from tasks.core.base.errors import RoundFileError, TornRecordError
from tasks.core.base.naming.work_places import batches_folder
from tasks.core.exchange.answers import read_imports
from tasks.core.exchange.batch import list_batches, read_batch
from tasks.core.exchange.settle import settle
from tasks.core.loop.intake import following, import_watched, round_with, take_labels
from tasks.core.loop.label_turns import read_turns, turn_of
from tasks.core.round.round_file import read_round
from tests.support.answers import import_rows, said_by
from tests.support.batches import ids, write
from tests.support.labelled_files import delimited
from tests.support.round_files import write_round

BATCH = "sampling-0123456789ab"
HEADER = ("tweet_id", "label", "annotator", "answer", "batch")


@pytest.fixture
def path(tmp_path):
    """A round that watches a folder; it has a batch of six texts."""
    watched = tmp_path / "inbox"
    watched.mkdir()
    path = write_round(
        tmp_path, tmp_path / "base", retraining={"watched_folder": "inbox", "cron": "*/10 * * * *"}, labelling={}
    )
    round_ = read_round(path)
    write(batches_folder(round_.work_path, round_.country, round_.name), 6)
    return path


def put(path, name, words, batch=BATCH):
    rows = [(id_, "positive", "ana", word, batch) for id_, word in zip(ids(6), words, strict=False)]
    return delimited(path.parent / "inbox" / name, HEADER, rows, ",")


def test_a_file_that_appears_is_imported_once(path):
    round_ = read_round(path)
    assert import_watched(round_).imported == []
    put(path, "a.csv", ["yes", "no", "yes"])
    assert [record.new for record in import_watched(round_).imported] == [3]
    assert import_watched(round_).imported == []
    (folder,) = list_batches(round_)
    assert len(read_imports(folder)) == 1


def test_a_file_that_cannot_be_imported_is_named_and_keeps_no_other_back(path):
    put(path, "a.csv", ["yes"], batch="")
    put(path, "b.csv", ["yes"], batch="sampling-ffffffffffff")
    put(path, "c.csv", ["yes", "no"])
    (path.parent / "inbox" / "notes.txt").write_text("no answers")
    (path.parent / "inbox" / ".d.csv").write_text("half a file")
    found = import_watched(read_round(path))
    assert [record.new for record in found.imported] == [2]
    assert sorted(found.refused) == ["a.csv", "b.csv"]
    assert "--batch NAME" in found.refused["a.csv"]
    assert "which no round of US has" in found.refused["b.csv"]


def test_a_file_of_another_rounds_batch_is_left_to_that_round(path):
    round_ = read_round(path)
    others = batches_folder(round_.work_path, round_.country, "us-iter7")
    write(others, 6, first=5, batch_id="aaaaaaaaaaaa", round_name="us-iter7")
    put(path, "a.csv", ["yes"], batch="sampling-aaaaaaaaaaaa")
    found = import_watched(round_)
    assert (found.imported, found.refused) == ([], {})


def test_without_labels_there_is_no_snapshot_and_it_is_said_why(path):
    snapshot, reason = take_labels(read_round(path))
    assert snapshot is None
    assert "winnow labels import" in reason


def labelled(path, words):
    round_ = read_round(path)
    (folder,) = list_batches(round_)
    settled = settle(read_batch(folder), round_)
    import_rows(settled, round_, path.parent, said_by("ana", words), f"{len(words)}.csv", replace=True)
    return take_labels(round_)[0]


def test_a_snapshot_has_one_round_however_often_it_is_asked_for(path):
    snapshot = labelled(path, ["yes", "no"])
    after = round_with(path, snapshot)
    assert after == path.with_name("us-iter1.yaml")
    assert read_round(after).labelled_data.added == (snapshot,)
    assert take_labels(read_round(path))[0] == snapshot
    assert round_with(path, snapshot) == after
    assert following(path) == [path, after]


def test_a_later_snapshot_takes_the_place_of_the_earlier_one_in_the_round_after(path):
    first = labelled(path, ["yes", "no"])
    round_with(path, first)
    second = labelled(path, ["no", "no", "yes"])
    assert second != first
    after = round_with(path, second)
    assert after.name == "us-iter2.yaml"
    assert read_round(after).labelled_data.added == (second,)
    assert round_with(path, first).name == "us-iter1.yaml"
    assert round_with(path, second) == after


def test_labels_that_are_changed_back_stand_at_the_snapshot_and_the_round_of_before(path):
    words = {"a": ["yes", "no"], "b": ["no", "no"]}
    round_, seen = read_round(path), []
    for letter in "aabbaaba":
        snapshot = labelled(path, words[letter])
        seen.append(
            (
                letter,
                round_with(path, snapshot).name,
                snapshot.name[:5],
                turn_of(round_, snapshot).removeprefix(snapshot.name),
            )
        )
        assert read_turns(round_)[-1] == snapshot.name
    a, b = ("us-iter1.yaml", "v0001"), ("us-iter2.yaml", "v0002")
    assert seen == [
        ("a", *a, ""),
        ("a", *a, ""),
        ("b", *b, ""),
        ("b", *b, ""),
        ("a", *a, " of turn 3"),
        ("a", *a, " of turn 3"),
        ("b", *b, " of turn 4"),
        ("a", *a, " of turn 5"),
    ]
    assert len(read_turns(round_)) == 5


def test_turns_that_somebody_altered_are_refused_with_what_to_do(path):
    round_ = read_round(path)
    snapshot = labelled(path, ["yes", "no"])
    turn_of(round_, snapshot)
    file = snapshot.with_name("turns.json")
    file.write_text(file.read_text().replace("v0001", "v0007"))
    with pytest.raises(TornRecordError, match=r"turns\.json cannot be read .*Delete it"):
        turn_of(round_, snapshot)


def test_a_round_that_cannot_be_counted_on_is_refused_where_it_is_read(path):
    content = yaml.safe_load(path.read_text()) | {"iteration": "iter25_pedro"}
    other = path.with_name("us-iter25_pedro.yaml")
    other.write_text(yaml.safe_dump(content))
    with pytest.raises(RoundFileError, match="must end with a number"):
        read_round(other)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"watched_folder": "inbox"}, "watched_folder needs cron"),
        ({"cron": "every day"}, "five fields"),
        ({"cron": "* * * *"}, "five fields"),
    ],
)
def test_a_section_that_nothing_would_follow_from_is_refused(path, section, message):
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"retraining": section}))
    with pytest.raises(RoundFileError, match=message):
        read_round(path)
