"""Ranks beside a naive sort of everything, ties and all."""

import shutil
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.ranking.places import place_numbers
from tasks.core.ranking.ranked import RANKED, open_ranked
from tasks.core.ranking.row_texts import with_texts
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import AUDITED, DRAWN, EXPERT, NGRAMS, STUDENT, read_part
from tasks.core.runs.shards.receipts import read_receipt, write_receipt
from tests.support.scored_runs import scored_run, write_sample_files

ROWS = 5_200
LABELS = ["positive", "negative"]


@dataclass
class Naive:
    """All rows, sorted as a person would."""

    rows: list

    @classmethod
    def of(cls, run, label, which):
        """Read all parts of a label into memory and sort them."""
        found = []
        for shard in run.plan.shards:
            part = read_part(run.folder.output_path(label, shard.number)).to_pylist()
            found += [(-row["score"], row["tweet_id"], shard.number, place, row) for place, row in enumerate(part)]
        kept = [row for row in found if which == "all" or row[-1].get("stage", EXPERT) in (EXPERT, DRAWN, AUDITED)]
        kept.sort(key=lambda row: row[:4])
        return cls([{"rank": rank, "stage": None} | row[-1] for rank, row in enumerate(kept, start=1)])

    def ranks(self, first, last):
        """Return the rows of some ranks."""
        return self.rows[first - 1 : last]


def sample_of(folder, ids):
    texts = [f"text {number}" for number in range(len(ids))]
    table = pa.table({"tweet_id": ids, "text": texts, "author": [f"a{number % 7}" for number in range(len(ids))]})
    cut = len(ids) // 2
    return write_sample_files(folder, [table.slice(0, cut), table.slice(cut)])


def string_ids(seed):
    numbers = np.random.default_rng(seed).integers(0, ROWS, ROWS)  # some ids stand more than once
    return pa.array([f"{number}" for number in numbers])


def smooth(label, shard, ids):
    random = np.random.default_rng([len(label), shard.number])
    return 1 / (1 + np.exp(-random.normal(-4, 3, len(ids)))), None


def tied(label, shard, ids):
    scores, _ = smooth(label, shard, ids)
    return np.round(scores, 2), None


def screened(label, shard, ids):
    scores, _ = smooth(label, shard, ids)
    scores = np.round(scores, 3)
    random = np.random.default_rng(shard.number)
    stages = random.choice([EXPERT, DRAWN, AUDITED, NGRAMS, STUDENT], len(ids), p=[0.1, 0.1, 0.1, 0.4, 0.3])
    scores = np.where(stages == NGRAMS, np.minimum(scores, 0.99) - 2, scores)
    scores = np.where(stages == STUDENT, np.minimum(scores, 0.99) - 1, scores)
    return scores, stages.astype(object)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs by name, each with ids of another kind."""
    made = {}
    kinds = {
        "smooth": (pa.array(np.arange(ROWS)[::-1].copy()), smooth, False),
        "tied": (string_ids(3), tied, False),
        "screened": (string_ids(4), screened, True),
    }
    for name, (ids, given, is_screened) in kinds.items():
        folder = tmp_path_factory.mktemp(name)
        made[name] = scored_run(folder, sample_of(folder / "sample", ids), LABELS, given, 800, is_screened)
    return made


CASES = [
    ("smooth", "expert"),
    ("smooth", "all"),
    ("tied", "expert"),
    ("screened", "expert"),
    ("screened", "all"),
]


@pytest.fixture(params=CASES, ids="-".join)
def ranked_and_naive(request, runs):
    """A label of a run, ranked by Winnow and by a naive sort."""
    name, which = request.param
    with open_ranked(runs[name].folder, "positive", which) as ranked:
        yield ranked, Naive.of(runs[name], "positive", which)


def test_ranks_are_those_of_a_naive_sort(ranked_and_naive):
    ranked, naive = ranked_and_naive
    assert ranked.rows == len(naive.rows)
    for first, last in ((1, 1), (1, 50), (1, ranked.rows), (37, 412), (ranked.rows - 3, ranked.rows + 9)):
        found = ranked.between(first, last)
        assert found.column_names == list(RANKED)
        assert found.to_pylist() == naive.ranks(first, last)
    assert ranked.top(10**9).num_rows == ranked.rows
    assert ranked.top(0).num_rows == ranked.between(ranked.rows + 1, ranked.rows + 5).num_rows == 0


def test_single_ranks_come_in_their_order_and_once(ranked_and_naive):
    ranked, naive = ranked_and_naive
    asked = [1, 2, 5, 17, 100, 333, 1000, ranked.rows, 17]
    assert ranked.at(asked).to_pylist() == [naive.rows[rank - 1] for rank in sorted(set(asked))]
    assert ranked.at([]).num_rows == 0


def test_the_rank_of_a_score_counts_what_is_above_it(ranked_and_naive):
    ranked, naive = ranked_and_naive
    scores = [row["score"] for row in naive.rows]
    for score in (scores[0], scores[99], scores[-1], 0.0, 0.5, 0.02, 1.0, 7.0, -9.0):
        assert ranked.rank_of(score) == 1 + sum(other > score for other in scores)
    rank = ranked.rank_of(0.02)
    assert ranked.around(0.02, 5, 7).to_pylist() == naive.ranks(max(1, rank - 5), rank + 6)
    assert ranked.around(1.0, 5, 2).to_pylist() == naive.ranks(1, 2 + ranked.rank_of(1.0) - 1)


@pytest.mark.parametrize("count", [1, 7, 60, 10_000])
def test_drawn_rows_have_their_exact_ranks_and_lie_among_those_asked_for(ranked_and_naive, count):
    ranked, naive = ranked_and_naive
    for first, last in ((1, ranked.rows), (5, 90), (200, 900), (3, 3)):
        found = ranked.draw(first, last, count, "key").to_pylist()
        assert len(found) == min(count, last - first + 1)
        assert found == [naive.rows[row["rank"] - 1] for row in found]
        assert [row["rank"] for row in found] == sorted({row["rank"] for row in found})
        assert all(first <= row["rank"] <= last for row in found)


def test_a_key_draws_the_same_rows_again_and_another_key_others(runs):
    def draw(label, key):
        with open_ranked(runs["smooth"].folder, label, "expert") as ranked:
            return ranked.random(40, key)

    first = draw("positive", "a")
    assert first.equals(draw("positive", "a"))
    assert set(first["tweet_id"].to_pylist()) == set(draw("negative", "a")["tweet_id"].to_pylist())
    assert len(set(first["tweet_id"].to_pylist()) & set(draw("positive", "b")["tweet_id"].to_pylist())) < 5


def test_what_a_key_draws_is_kept():
    """The draw is part of what a batch says of itself: whoever changes it changes batches that were sent out."""
    kept = [3157662258416889740, 4049288653501997124, 11972890859920615493]
    assert place_numbers("key", "part:0", 3).tolist() == kept


@pytest.mark.slow
def test_each_row_is_as_likely_as_the_others(runs):
    with open_ranked(runs["smooth"].folder, "positive", "expert") as ranked:
        drawn = [ranked.draw(101, 200, 25, f"key {number}")["rank"].to_numpy() for number in range(200)]
    counts = np.bincount(np.concatenate(drawn) - 101, minlength=100)
    assert counts.sum() == 5_000
    chi_squared = ((counts - 50) ** 2 / (50 * 0.75)).sum()
    assert 60 < chi_squared < 150  # 99 degrees of freedom


def test_texts_and_authors_are_joined_for_these_rows(runs):
    run = runs["smooth"]
    with open_ranked(run.folder, "positive", "expert") as ranked:
        found = with_texts(ranked.random(30, "key"), run.sample, ["author"]).to_pylist()
    for row in found:
        number = ROWS - 1 - row["tweet_id"]
        assert (row["text"], row["author"]) == (f"text {number}", f"a{number % 7}")


def test_a_row_whose_id_stands_twice_gets_the_first_text(runs, tmp_path):
    sample = sample_of(tmp_path / "sample", pa.array(["7", "8", "7", "9"]))
    table = pa.table({"tweet_id": ["7", "7", "9"]})
    assert with_texts(table, sample)["text"].to_pylist() == ["text 0", "text 0", "text 3"]


def test_texts_of_another_sample_are_refused(runs, tmp_path):
    sample = sample_of(tmp_path / "sample", pa.array(["7", "8"]))
    with pytest.raises(InputDataError, match=r"1 of 2 ranked rows are not in .*sample, such as \['6'\]"):
        with_texts(pa.table({"tweet_id": ["7", "6"]}), sample)
    with pytest.raises(InputDataError, match=r"has no columns \['user'\]. It has \['tweet_id', 'text', 'author'\]"):
        with_texts(pa.table({"tweet_id": ["7"]}), sample, ["user"])
    with pytest.raises(InputDataError, match=r"the columns \['text'\] of .* cannot be added"):
        with_texts(pa.table({"tweet_id": ["7"]}), sample, ["text"])


def test_what_cannot_be_asked_for_is_said(runs):
    with open_ranked(runs["smooth"].folder, "positive", "expert") as ranked:
        with pytest.raises(InputDataError, match="there is no rank 0: ranks count from 1"):
            ranked.between(0, 5)
        with pytest.raises(InputDataError, match="there is no rank 5201: label 'positive' has 5200 ranked rows"):
            ranked.at([1, 5201])
        with pytest.raises(InputDataError, match="has no rank"):
            ranked.rank_of(float("nan"))
        with pytest.raises(InputDataError, match="the key of a draw, '', must have"):
            ranked.random(5, "")
    with (
        pytest.raises(RunFolderError, match="no scores of the label 'grief', but of positive, negative"),
        open_ranked(runs["smooth"].folder, "grief", "expert"),
    ):
        pass
    with (
        pytest.raises(InputDataError, match=r"memory_gib is 0.1, but ranking needs 0.5"),
        open_ranked(runs["smooth"].folder, "positive", "expert", 0.1),
    ):
        pass


def without_counts(run, tmp_path):
    """Return a copy of a run whose receipts count no bins, as those of earlier versions."""
    folder = RunFolder(shutil.copytree(run.folder.path, tmp_path / run.folder.path.name))
    for shard in run.plan.shards:
        write_receipt(replace(read_receipt(folder, shard.number), score_counts={}), folder)
    return folder


@pytest.mark.parametrize(("name", "which"), CASES)
def test_receipts_without_counts_give_the_same_ranks(name, which, runs, tmp_path):
    folder = without_counts(runs[name], tmp_path)
    with (
        open_ranked(folder, "positive", which) as old,
        open_ranked(runs[name].folder, "positive", which) as new,
    ):
        assert (old.rows, old.rank_of(0.3)) == (new.rows, new.rank_of(0.3))
        assert old.top(500).equals(new.top(500))
        assert old.random(70, "key").equals(new.random(70, "key"))
