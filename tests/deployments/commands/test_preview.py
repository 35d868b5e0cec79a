import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deployments.commands.preview import DRAWN_TEXTS, describe, preview
from tasks.core.base.errors import InputDataError, RoundFileError
from tasks.core.round.round_file import read_round
from tests.support.commands import assert_taught


@pytest.fixture
def round_of(make_round, tmp_path):
    """Return a function that makes a round whose sample holds the given texts."""

    def make(texts, **changes):
        ids = pa.array(range(len(texts)), pa.int64())
        path = tmp_path / "texts.parquet"
        pq.write_table(pa.table({"tweet_id": ids, "text": pa.array(texts, pa.string())}), path, row_group_size=300)
        return read_round(make_round(samples={"evaluation": {"path": str(path)}}, **changes))

    return make


def test_texts_that_change_come_first_and_all_are_counted(round_of):
    plain = [f"plain {number}" for number in range(30)]
    seen = preview(round_of([*plain, "Hi @ana", "Hi @bob", None, " "]), "tweet", count=3)
    assert seen.pairs == (("Hi @ana", "Hi @user"), ("Hi @bob", "Hi @user"), ("plain 0", "plain 0"))
    assert (seen.rows, seen.drawn, seen.changed, seen.emptied) == (34, 32, 2, 0)
    assert (seen.distinct_before, seen.distinct_after) == (32, 31)


def test_of_a_large_sample_a_thousand_texts_are_drawn_from_all_of_it(round_of):
    round_ = round_of([f"@ana {number}" for number in range(3_000)])
    seen = preview(round_, "tweet")
    assert (seen.rows, seen.drawn, seen.changed, len(seen.pairs)) == (3_000, DRAWN_TEXTS, DRAWN_TEXTS, 10)
    numbers = [int(before.split()[1]) for before, _ in seen.pairs]
    assert min(numbers) < 1_000
    assert max(numbers) >= 2_000
    assert preview(round_, "tweet") == seen


def test_a_text_shown_once_is_not_shown_again(round_of):
    seen = preview(round_of(["@ana x"] * 5 + ["other"]), "tweet")
    assert [before for before, _ in seen.pairs] == ["@ana x", "other"]
    assert (seen.changed, seen.distinct_before) == (5, 2)


def test_the_round_files_preprocessing_is_the_default(round_of):
    round_ = round_of(["Hi @ana there", "@bob"], preprocessing="boost")
    lines = describe(preview(round_), round_).splitlines()
    assert lines == [
        "round us-iter0, preprocessing 'boost'",
        "sample 'evaluation': 2 texts drawn from 2 rows",
        "2 change (100.0%), 1 become empty",
        "2 distinct texts before, 2 after",
        "",
        "  1  before  Hi @ana there",
        "     after   hi usr there",
        "",
        "  2  before  @bob",
        "     after   ",
    ]


def test_terminal_codes_in_a_text_are_shown_and_not_obeyed(round_of):
    round_ = round_of(["red \x1b[31m\ntext"])
    shown = describe(preview(round_, "none"), round_)
    assert r"red \x1b[31m\ntext" in shown
    assert "the round file says" not in shown
    assert "(does not change)" in shown


def test_an_unknown_preprocessing_names_those_there_are(round_of):
    with pytest.raises(RoundFileError, match="no preprocessing 'lower'; allowed are boost, none, tweet"):
        preview(round_of(["x"]), "lower")


def test_a_sample_of_blank_texts_is_refused(round_of):
    with pytest.raises(InputDataError, match=r"all texts in column 'text' .* are blank"):
        preview(round_of([" ", None]))


def test_the_command_works_without_a_server(winnow, make_round):
    done = winnow("preview", str(make_round()), "--preprocessing", "boost", "--count", "2")
    assert done.returncode == 0, done.stderr
    assert "round us-iter0, preprocessing 'boost'; the round file says 'none'" in done.stdout
    assert done.stdout.count("before  ") == 2
    assert "240 texts drawn from 240 rows" in done.stdout


def test_the_command_says_what_is_wrong(winnow, make_round):
    assert_taught(winnow("preview", str(make_round()), "--preprocessing", "lower"), "allowed are boost, none, tweet")
    assert winnow("preview", str(make_round()), "--count", "0").returncode == 2
