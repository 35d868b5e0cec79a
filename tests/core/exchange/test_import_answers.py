"""Answers are imported once, and what is not imported is listed with the reason."""

import shutil
import unicodedata

import pytest

from tasks.core.base.errors import InputDataError, TornRecordError
from tasks.core.base.naming.file_names import ANSWERS_FILE, CONTROL_ANSWERS_FILE, DECIDED_FILE, IMPORTS_FILE
from tasks.core.base.parquet import read_parquet
from tasks.core.exchange.answers import read_answers, read_imports
from tasks.core.exchange.batch import write_batch
from tasks.core.exchange.incoming.answer_rows import NOT_ASKED, OTHER_TEXT, TWICE, TWO_IDS, UNKNOWN_ID, UNKNOWN_WORD
from tasks.core.exchange.incoming.forget_answers import TAKEN_BACK
from tasks.core.exchange.incoming.import_answers import CHANGED, ImportWay
from tasks.core.exchange.settle import choose_batch, forget_and_settle, import_and_settle, settle
from tests.support.answers import HEADER, IDS, answers, import_rows, open_batch, said_by
from tests.support.batches import TEXTS, about, draws_of, texts_of, write
from tests.support.labelled_files import delimited
from tests.support.recovery import Writer, power_cuts


def words(settled, annotator="ana"):
    """Return an annotator's answers by the text's place."""
    return {IDS.index(key[0]): said.answer for (who, key), said in settled.answers.items() if who == annotator}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_answers_of_several_annotators_stand_beside_the_batch(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    rows = [*said_by("Ana", ["yes", "no", "unsure", ""]), *said_by("ben", ["sí", "não", "no sé", "yes"])]
    record, settled = import_rows(settled, round_, tmp_path, rows)
    assert (record.new, record.blank, record.left_out) == (7, 1, {})
    assert words(settled) == {0: "yes", 1: "no", 2: "unsure", 3: "blank"}
    assert words(settled, "ben") == {0: "yes", 1: "no", 2: "unsure", 3: "yes"}
    table = read_parquet(settled.batch.folder / ANSWERS_FILE)
    assert table.column_names == ["tweet_id", "label", "annotator", "answer", "source"]
    assert set(table["source"].to_pylist()) == {record.digest}
    decided = read_parquet(settled.batch.folder / DECIDED_FILE)
    assert decided["target"].to_pylist() == [1, 0, None, 1, None, None]


def test_the_same_file_twice_changes_nothing(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    rows = [*said_by("ana", ["yes", "no", "", "perhaps"]), ("1", "positive", "ana", "yes")]
    first, settled = import_rows(settled, round_, tmp_path, rows)
    before = contents(settled.batch.folder)
    again, settled = import_rows(settled, round_, tmp_path, rows)
    assert contents(settled.batch.folder) == before
    assert (first.new, again.new, again.repeated) == (2, 0, 3)
    assert again.left_out == first.left_out
    import_rows(settled, round_, tmp_path, rows, name="renamed.csv")
    assert contents(settled.batch.folder) == before
    assert len(read_imports(settled.batch.folder)) == 1


def test_what_is_not_imported_is_listed_with_the_reason(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    rows = [
        *said_by("ana", ["yes", "ja", "no", "no"]),
        ("99", "positive", "ana", "yes"),
        (0, "other_label", "ana", "yes"),
        *((2, "positive", "ana", "yes"), (3, "positive", "ana", "no")),
    ]
    record, settled = import_rows(settled, round_, tmp_path, rows)
    assert words(settled) == {0: "yes", 3: "no"}
    assert record.left_out == {
        UNKNOWN_WORD: [f"{IDS[1]} positive ana: 'ja'"],
        UNKNOWN_ID: ["99 positive ana: 'yes'"],
        NOT_ASKED: [f"{IDS[0]} other_label ana: 'yes'"],
        TWICE: [f"{IDS[2]} positive ana: ['no', 'yes']"],
    }
    assert read_imports(settled.batch.folder) == [record]


def test_an_answer_beside_another_text_than_the_batch_s_is_listed(tmp_path):
    """Somebody sorted one column of the spreadsheet alone: each answer would have gone to another text."""
    _, round_, settled = open_batch(tmp_path)
    texts = [settled.batch.texts["text"][place].as_py() for place in (0, 2, 1)]
    rows = [(IDS[place], "positive", "ana", "yes", text) for place, text in enumerate(texts)]
    rows.append((IDS[4], "positive", "ana", "no", f"'{TEXTS[4].upper()}  "))
    path = delimited(tmp_path / "sorted.csv", [*HEADER, "text"], rows)
    record, settled = import_and_settle(settled, round_, path, ImportWay())
    assert words(settled) == {0: "yes", 4: "no"}
    assert record.left_out == {OTHER_TEXT: [f"{IDS[place]} positive ana: 'yes'" for place in (1, 2)]}


def test_an_id_that_may_mean_two_texts_is_listed_and_not_guessed_at(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    folder = settled.batch.folder
    shutil.rmtree(folder)
    two = {"tweet_id": ["5", "id_5"]}
    settled = settle(write_batch(folder, draws_of(2, **two), texts_of(2, **two), about()), round_)
    rows = [("id_5", "positive", "ana", "yes"), ("id_id_5", "positive", "ana", "no")]
    record, settled = import_rows(settled, round_, tmp_path, rows)
    assert record.left_out == {TWO_IDS: ["id_5 positive ana: 'yes'"]}
    assert settled.decided["target"].to_pylist() == [None, 0]


def test_another_answer_than_before_is_listed_unless_it_is_to_replace_it(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    import_rows(settled, round_, tmp_path, said_by("ana", ["yes", "no", ""]))
    record, settled = import_rows(settled, round_, tmp_path, said_by("ana", ["no", "", "no"]), name="second.csv")
    assert words(settled) == {0: "yes", 1: "no", 2: "no"}
    assert record.left_out == {CHANGED: [f"{IDS[0]} positive ana: yes, now no"]}
    record, settled = import_rows(settled, round_, tmp_path, said_by("ana", ["no"]), name="third.csv", replace=True)
    assert words(settled) == {0: "no", 1: "no", 2: "no"}
    assert (record.new, record.replaced) == (0, 1)


def test_rows_without_an_annotator_need_one(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    with pytest.raises(InputDataError, match="say --annotator NAME"):
        import_rows(settled, round_, tmp_path, said_by("", ["yes", ""]))
    record, settled = import_rows(settled, round_, tmp_path, said_by("", ["yes", ""]), annotator=" Ana")
    assert words(settled) == {0: "yes", 1: "blank"}
    assert record.annotator == "ana"


def test_one_persons_answers_are_one_vote(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    decomposed = unicodedata.normalize("NFD", "José")
    _, settled = import_rows(
        settled, round_, tmp_path, [*said_by("José", ["yes"]), *said_by(decomposed, ["yes", "no"])]
    )
    assert settled.annotators == [unicodedata.normalize("NFC", "josé")]
    import_rows(settled, round_, tmp_path, said_by("", ["yes", "no"]), name="b.csv", annotator="ben")
    with pytest.raises(InputDataError, match=r"was imported as ben's answers, and cannot be cat's, too"):
        import_rows(settled, round_, tmp_path, said_by("", ["yes", "no"]), name="c.csv", annotator="cat")
    import_rows(settled, round_, tmp_path, said_by("", ["yes", "no"]), name="b.csv", annotator="Ben")
    _, settled = import_rows(settled, round_, tmp_path, said_by("", ["yes", "no"]), name="b.csv", adjudicated=True)
    assert settled.annotators == ["adjudicator", "ben", "josé"]


def test_answers_under_a_wrong_name_are_taken_back_and_stay_on_record(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    _, settled = import_rows(settled, round_, tmp_path, said_by("ana", ["yes", "yes", "yes"]), name="a.csv")
    mine = said_by("", ["no", "no", "", "yes"])
    record, settled = import_rows(settled, round_, tmp_path, mine, name="b.csv", annotator="Bne")
    with pytest.raises(InputDataError, match=r"winnow labels forget ROUND --annotator 'bne' --file .*b.csv"):
        import_rows(settled, round_, tmp_path, mine, name="b.csv", annotator="ben")
    gone, settled = forget_and_settle(settled, round_, " BNE")
    assert (gone.taken_back, settled.annotators) == (4, ["ana"])
    assert gone.left_out[TAKEN_BACK][0] == f"{IDS[0]} positive bne: no"
    assert read_imports(settled.batch.folder)[1:] == [record, gone]
    decided = read_parquet(settled.batch.folder / DECIDED_FILE)
    assert decided["target"].to_pylist()[:4] == [1, 1, 1, None]
    again, settled = import_rows(settled, round_, tmp_path, mine, name="b.csv", annotator="ben")
    assert (again.new, settled.annotators) == (3, ["ana", "ben"])
    before = contents(settled.batch.folder)
    assert forget_and_settle(settled, round_, "bne")[0] == gone
    assert contents(settled.batch.folder) == before
    with pytest.raises(InputDataError, match=r"'zoe' has no answers in .*; answers are there of \['ana', 'ben'\]"):
        forget_and_settle(settled, round_, "zoe")


def test_one_file_s_answers_are_taken_back_and_the_rest_of_that_annotator_s_stays(tmp_path):
    header = ["tweet_id", "text", "label", "answer"]
    path = delimited(tmp_path / "controls.csv", header, [("c1", "x", "positive", "yes")])
    _, round_, settled = open_batch(tmp_path, controls=str(path))
    import_rows(settled, round_, tmp_path, said_by("ana", ["yes"]), name="a.csv")
    wrong = [(4, "positive", "ana", "no"), ("c1", "positive", "ana", "no")]
    _, settled = import_rows(settled, round_, tmp_path, wrong, name="b.csv")
    assert settled.failed
    gone, settled = forget_and_settle(settled, round_, "ana", tmp_path / "b.csv")
    assert (gone.taken_back, words(settled), settled.failed) == (2, {0: "yes"}, {})
    with pytest.raises(InputDataError, match="cannot be read"):
        forget_and_settle(settled, round_, "ana", tmp_path / "none.csv")


def test_a_label_with_capitals_is_the_label(tmp_path):
    """A spreadsheet begins cells with a capital; no two labels differ in case alone, for none has capitals."""
    path = delimited(
        tmp_path / "controls.csv",
        ["tweet_id", "text", "label", "answer"],
        [("c1", "I was fired", "Positive", "yes")],
    )
    _, round_, settled = open_batch(tmp_path, controls=str(path))
    assert [control.label for control in settled.controls] == ["positive"]
    rows = [*said_by("Ana", ["yes"], "Positive"), *said_by("ANA", ["", "no"], "POSITIVE")]
    record, settled = import_rows(settled, round_, tmp_path, rows)
    assert (record.left_out, words(settled)) == ({}, {0: "yes", 1: "no"})


def test_rows_that_nobody_filled_in_need_no_annotator(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    record, _ = import_rows(settled, round_, tmp_path, [*said_by("ana", ["yes"]), (1, "positive", "", "")])
    assert (record.new, record.left_out) == (1, {})


def test_a_file_without_one_usable_answer_is_refused(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    with pytest.raises(
        InputDataError, match=r"no answer at all. Of its 2 rows: the text is not of this batch.*sí, si, sim"
    ):
        import_rows(settled, round_, tmp_path, [("1", "positive", "ana", "yes"), ("2", "positive", "ana", "no")])
    assert not (settled.batch.folder / ANSWERS_FILE).exists()


def test_a_file_that_nobody_filled_in_is_refused(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    with pytest.raises(InputDataError, match="all are blank"):
        import_rows(settled, round_, tmp_path, [(place, "positive", "", "") for place in range(6)])


def test_a_file_of_another_batch_is_refused(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    path = delimited(
        tmp_path / "a.csv",
        ["batch", "tweet_id", "label", "annotator", "answer"],
        [("sampling-ffffffffffff", IDS[0], "positive", "ana", "yes")],
    )
    with pytest.raises(InputDataError, match="answers the batch sampling-ffffffffffff, not sampling-0123456789ab"):
        import_and_settle(settled, round_, path, ImportWay())


def controls(folder, rows):
    path = delimited(folder / "controls.csv", ["tweet_id", "text", "label", "answer"], rows)
    return {"controls": str(path), "controls_right": 0.6}


def test_who_fails_the_controls_is_left_out_and_named(tmp_path):
    known = [(f"c{place}", f"control {place}", "positive", ["yes", "no"][place % 2]) for place in range(4)]
    _, round_, settled = open_batch(tmp_path, **controls(tmp_path, [*known, ("c9", "other", "negative", "yes")]))
    assert len(settled.controls) == 4
    rows = [*said_by("ana", ["yes", "yes"]), *said_by("bot", ["no", "no", "no"]), *said_by("cat", ["yes"])]
    rows += [(f"c{place}", "positive", "ana", known[place][3]) for place in range(3)]
    rows += [(f"c{place}", "positive", "bot", word) for place, word in enumerate(["yes", "yes", "unsure", ""])]
    record, settled = import_rows(settled, round_, tmp_path, rows)
    assert record.left_out == {}
    assert settled.failed == {"bot": "1 of 3 controls right"}
    assert settled.notes == [
        "bot is left out: 1 of 3 controls right",
        "cat answered no control question",
        "cat answered one row alone, which says nothing of agreement",
    ]
    assert settled.decided["target"].to_pylist() == [1, 1, None, None, None, None]
    assert read_parquet(settled.batch.folder / CONTROL_ANSWERS_FILE).num_rows == 7
    assert {key[0] for _, key in read_answers(settled.batch.folder)[0]} <= set(IDS)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("c1", "text", "positive", "unsure"), "neither yes nor no"),
        (("c1", " ", "positive", "no"), "has no text"),
        ((IDS[0], "text", "positive", "no"), "would be given away"),
        (("c0", "text", "positive", "no"), "stands twice"),
    ],
)
def test_controls_that_are_none_are_refused(tmp_path, row, said):
    with pytest.raises(InputDataError, match=said):
        open_batch(tmp_path, **controls(tmp_path, [("c0", "text", "positive", "yes"), row]))


def test_after_a_power_cut_the_next_import_makes_it_whole(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    path = answers(tmp_path / "a.csv", said_by("ana", ["yes", "no", "unsure"]))
    folder = settled.batch.folder

    def write_them():
        return import_and_settle(settle(settled.batch, round_), round_, path, ImportWay())

    def read():
        found = settle(settled.batch, round_)
        return words(found) if found.answers else None

    def everything():
        return (read(), (folder / DECIDED_FILE).exists() and read_parquet(folder / DECIDED_FILE).to_pydict())

    cuts = power_cuts(Writer(folder, write_them, read, settle=lambda: None))
    whole = everything()
    for state in cuts.drawn(60):
        cuts.require_recovery([state])
        assert everything() == whole


def test_after_a_power_cut_answers_are_there_or_forgotten_with_a_record(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    _, settled = import_rows(settled, round_, tmp_path, [*said_by("ana", ["yes", "no"]), *said_by("ben", ["no"])])
    folder = settled.batch.folder

    def forget():
        return forget_and_settle(settle(settled.batch, round_), round_, "ana")

    def read():
        found = settle(settled.batch, round_)
        assert "ana" in found.annotators or any(one.taken_back for one in read_imports(folder))
        return found.annotators

    cuts = power_cuts(Writer(folder, forget, read, settle=lambda: None))
    for state in cuts.drawn(60):
        cuts.require_recovery([state])
        assert [one.taken_back for one in read_imports(folder)] == [0, 2]
        assert read_parquet(folder / DECIDED_FILE)["target"].to_pylist()[:2] == [0, None]


def test_torn_answers_are_refused_with_what_to_do(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    (settled.batch.folder / ANSWERS_FILE).write_text("torn")
    with pytest.raises(TornRecordError, match="import the answers again"):
        settle(settled.batch, round_)
    (settled.batch.folder / IMPORTS_FILE).write_text("torn")
    with pytest.raises(TornRecordError, match="record of imports"):
        read_imports(settled.batch.folder)


def test_a_batch_is_chosen_by_its_name_where_there_are_several(tmp_path):
    _, round_, settled = open_batch(tmp_path)
    assert choose_batch(round_, None) == settled.batch
    other = write(settled.batch.folder.parent, kind="evaluation")
    assert choose_batch(round_, other.folder.name) == other
    for name, said in ((None, "name one with --batch"), ("sampling-1", "has no batch 'sampling-1'")):
        with pytest.raises(InputDataError, match=said):
            choose_batch(round_, name)


def test_a_round_without_a_batch_says_which_flow_draws_one(tmp_path):
    _, round_, _ = open_batch(tmp_path)
    with pytest.raises(InputDataError, match="run the deployment sampling/us-iter9"):
        choose_batch(round_.model_copy(update={"iteration": "iter9"}), None)
