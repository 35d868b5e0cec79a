"""Batches drawn from the stored scores of a finished run: by every method, twice alike, and what refuses them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import InputDataError, RunFolderError
from tasks.core.base.files import sha256_of_folder
from tasks.core.exchange.batch import list_batches
from tasks.core.round.round_file import read_round
from tasks.core.runs.parts import EXPERT, NGRAMS
from tasks.core.sampling.batch_request import find_batch, make_request, put_together, used_motifs
from tasks.core.sampling.label_draws import draw_label
from tasks.core.sampling.scored_run import find_scored_run, open_scored_run
from tests.support.round_files import write_round
from tests.support.scored_runs import scored_run, write_sample_files

ROWS = 900
FIRST = 1_270_000_000_000_000_001
WORDS = np.array([f"word{chr(97 + number)}" for number in range(26)])
SECTION = {
    "top": 90,
    "exploit_texts": 8,
    "explore": {"motifs": 1, "texts": 3, "random_texts": 800, "least_texts": 12, "skips": 0},
    "adaptive_texts": 12,
    "uncertain_texts": 6,
    "strata": [10, 100, 900],
    "stratum_texts": 5,
    "random_texts": 10,
}


def text_of(place):
    """Return a text; the best of `positive` hold a motif, as some others do."""
    words = " ".join(np.random.default_rng(place).choice(WORDS, 7))
    return f"{words} lost job" if place < 60 or place % 40 == 0 else words


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two labels over 900 texts: the first are the best of `positive`, the last of the other."""
    folder = tmp_path_factory.mktemp("run")
    tables = [
        pa.table(
            {
                "tweet_id": pa.array([FIRST + place for place in places], pa.int64()),
                "text": [text_of(place) for place in places],
                "user": [f"user{place % 200}" for place in places],
            }
        )
        for places in np.split(np.arange(ROWS), 3)
    ]
    sample = write_sample_files(folder / "sample", tables)
    return scored_run(folder / "runs", sample, ["positive", "negative"], given, shard_rows=200)


def given(label, _, ids):
    """Return scores that fall with the place, or rise with it."""
    fall = 1 - (np.array(ids.to_pylist()) - FIRST + 1) / (ROWS + 1)
    return (fall if label == "positive" else 1 - fall), None


@pytest.fixture
def make(run, tmp_path):
    """Return a function that writes a round over the run's sample, with changes to its section."""

    def make_round(**changes):
        samples = {"evaluation": {"path": str(run.sample.path)}}
        section = SECTION | changes
        return read_round(write_round(tmp_path, tmp_path, samples=samples, sampling=section))

    return make_round


def draw(round_, run, thresholds=(), random_state=None):
    """Draw a round's batch as the flow does."""
    plan, folder = open_scored_run(round_, run.folder.path)
    request = make_request(round_, plan, folder, dict.fromkeys(thresholds, 0.4), random_state)
    found = find_batch(round_, request)
    return found or put_together(
        round_, request, [draw_label(request.pool(round_, label), request.method) for label in request.labels]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "drawn"),
    [
        ("exploit_explore", {"exploit": 16, "random": 20}),
        ("adaptive", {"adaptive": 24, "random": 20}),
        ("uncertainty", {"uncertainty": 24, "random": 20}),
        ("uncertainty_calibrated", {"uncertainty_calibrated": 24, "random": 20}),
        ("stratified", {"stratified": 30, "random": 20}),
        ("random", {"random": 20}),
    ],
)
def test_every_method_draws_what_it_should(make, run, method, drawn):
    batch = draw(make(method=method), run, thresholds=("positive", "negative"))
    rows = batch.draws.to_pylist()
    counts = {name: sum(row["method"] == name for row in rows) for name in drawn}
    assert all(counts[name] in range(wanted - 2, wanted + 1) for name, wanted in drawn.items()), counts
    ranks = {"positive": lambda id_: id_ - FIRST + 1, "negative": lambda id_: ROWS - (id_ - FIRST)}
    assert all(row["rank"] == ranks[row["label"]](row["tweet_id"]) for row in rows)
    texts = {text["tweet_id"]: text for text in batch.texts.to_pylist()}
    assert all(text["text"] == text_of(id_ - FIRST) for id_, text in texts.items())
    limits = {"exploit": (1, 90), "adaptive": (1, 14), "uncertainty": (533, 548), "uncertainty_calibrated": (533, 548)}
    for row in rows:
        low, high = limits.get(row["method"], (1, ROWS))
        assert low <= row["rank"] <= high
    by_chance = {row["tweet_id"] for row in rows if row["method"] == "random"}
    assert all(texts[id_]["labels"] == ["negative", "positive"] for id_ in by_chance)
    assert len(by_chance) in range(8, 11)


@pytest.mark.slow
def test_a_motif_draws_texts_that_hold_it_and_is_used_up(make, run):
    round_ = make()
    batch = draw(round_, run)
    rows = [row for row in batch.draws.to_pylist() if row["method"] == "explore" and row["label"] == "positive"]
    texts = {text["tweet_id"]: text["text"] for text in batch.texts.to_pylist()}
    assert [texts[row["tweet_id"]].endswith("lost job") for row in rows] == [True] * 3
    (motif,) = batch.about.counts["motifs"]["positive"]
    assert motif["words"] == ["lost", "job"]
    assert {row["reason"] for row in rows} == {f"motif 'lost job': lift {motif['lift']:.1f}"}
    in_random, best = motif["random_texts"], motif["best_texts"]
    assert best == sum(text_of(place).endswith("lost job") for place in range(90))
    assert motif["lift"] == pytest.approx((best / 90) / (in_random / 800))
    assert used_motifs(round_) == ("lost job",)
    assert draw(round_, run, random_state=1).about.counts["motifs"] == {"negative": [], "positive": []}


def test_two_batches_drawn_side_by_side_do_not_send_a_text_out_twice(make, run):
    """Both were drawn before either was written: neither knows of the other's texts."""
    round_ = make(method="adaptive", random_texts=0)
    plan, folder = open_scored_run(round_, run.folder.path)
    requests = [make_request(round_, plan, folder, {}, state) for state in (0, 1)]
    drawn = [[draw_label(one.pool(round_, label), one.method) for label in one.labels] for one in requests]
    put_together(round_, requests[0], drawn[0])
    with pytest.raises(InputDataError, match="while these were drawn"):
        put_together(round_, requests[1], drawn[1])
    assert len(list_batches(round_)) == 1


def test_a_batch_is_the_same_to_the_byte(make, run, tmp_path):
    round_ = make()
    batch = draw(round_, run)
    before = sha256_of_folder(batch.folder)
    assert draw(round_, run).folder == batch.folder
    batch.folder.rename(tmp_path / "aside")
    again = draw(round_, run)
    assert (again.folder, sha256_of_folder(again.folder)) == (batch.folder, before)


def test_another_random_state_draws_other_texts_without_the_first_ones(make, run):
    round_ = make(method="adaptive", near_duplicate_similarity=None)
    first, second = draw(round_, run), draw(round_, run, random_state=5)
    ids = [set(batch.texts["tweet_id"].to_pylist()) for batch in (first, second)]
    assert not ids[0] & ids[1]
    assert list_batches(round_) == sorted([first.folder, second.folder])
    assert second.about.random_state == 5
    assert second.about.counts["excluded"]["labelled_before"] > 0


def test_memory_is_no_part_of_what_a_batch_follows_from(make, run):
    assert draw(make(memory_gib=1), run).folder == draw(make(memory_gib=2), run).folder


def test_what_was_labelled_before_goes_out_again_neither_by_id_nor_by_text(make, run):
    round_ = make(method="adaptive", random_texts=0, adaptive_texts=6)
    labelled = pq.read_table(round_.labelled_data.path)
    ids = labelled["tweet_id"].to_pylist()
    texts = labelled["text"].to_pylist()
    ids[0], texts[1] = FIRST + 2, text_of(4).upper()
    table = labelled.set_column(0, "tweet_id", pa.array(ids, pa.int64())).set_column(1, "text", pa.array(texts))
    pq.write_table(table, round_.labelled_data.path)
    batch = draw(round_, run)
    drawn = [row["tweet_id"] - FIRST for row in batch.draws.to_pylist() if row["label"] == "positive"]
    assert not {2, 4} & set(drawn)
    assert len(drawn) == 6


@pytest.mark.slow
def test_an_author_has_no_more_texts_than_may_be(make, run):
    batch = draw(make(method="adaptive", adaptive_texts=300, author_column="user", texts_per_author=1), run)
    authors = batch.texts["author"].to_pylist()
    assert len(set(authors)) == len(authors) > 150
    assert batch.about.counts["capped"]["over_author_cap"] > 0


def test_of_a_screened_run_the_best_are_the_experts_and_strata_reach_the_rest(make, run, tmp_path):
    def screened(label, _, ids):
        fall, _ = given(label, _, ids)
        out = fall < 0.7
        return np.where(out, fall - 1, fall), np.where(out, NGRAMS, EXPERT).astype(object)

    other = scored_run(tmp_path / "screened", run.sample, ["positive", "negative"], screened, 200, screened=True)
    stratified = draw(make(method="stratified"), other).draws.to_pylist()
    assert {row["stage"] for row in stratified} == {EXPERT, NGRAMS}
    uncertain = draw(make(method="uncertainty", random_texts=0), other, thresholds=("positive", "negative"))
    assert {row["stage"] for row in uncertain.draws.to_pylist()} == {EXPERT}
    assert all(row["score"] >= 0.7 for row in uncertain.draws.to_pylist())
    assert stratified[0]["inclusion_probability"] <= 1


def test_nothing_is_drawn_when_everything_was_labelled(make, run):
    round_ = make(method="stratified")
    rows = pa.table(
        {
            "tweet_id": pa.array([FIRST + place for place in range(ROWS)], pa.int64()),
            "text": ["x"] * ROWS,
            "positive": [place % 2 for place in range(ROWS)],
            "negative": [place % 2 for place in range(ROWS)],
        }
    )
    pq.write_table(rows, round_.labelled_data.path)
    with pytest.raises(InputDataError, match=r"nothing is left to draw for 'negative'.*were labelled before"):
        draw(round_, run)


def test_uncertainty_without_a_threshold_says_what_is_missing(make, run):
    with pytest.raises(InputDataError, match="'negative' has no threshold"):
        draw(make(method="uncertainty_calibrated"), run)


def test_scores_that_are_no_numbers_are_refused(make, run, tmp_path):
    other = scored_run(tmp_path / "broken", run.sample, ["positive", "negative"], given, 200)
    path = other.folder.output_path("positive", 1)
    part = pq.read_table(path)
    scores = part["score"].to_numpy().copy()
    scores[7] = np.nan
    pq.write_table(part.set_column(1, "score", pa.array(scores)), path)
    with pytest.raises((InputDataError, RunFolderError), match="part-00001"):
        draw(make(method="adaptive"), other)


def test_a_missing_part_is_refused(make, run, tmp_path):
    other = scored_run(tmp_path / "torn", run.sample, ["positive", "negative"], given, 200)
    other.folder.output_path("positive", 2).unlink()
    with pytest.raises((InputDataError, RunFolderError), match="part-00002"):
        draw(make(method="adaptive"), other)


def test_a_run_that_cannot_be_drawn_from_is_refused_with_what_to_do(make, run, tmp_path):
    round_ = make()
    with pytest.raises(RunFolderError, match=r"no finished run 'main'.*prefect deployment run inference/us-iter0"):
        find_scored_run(round_, "main")
    other = scored_run(tmp_path / "one", run.sample, ["positive"], given, 200)
    with pytest.raises(InputDataError, match=r"has scored \['positive'\], but not \['negative'\]"):
        open_scored_run(round_, other.folder.path)
    other.folder.manifest_path.unlink()
    with pytest.raises(RunFolderError, match="is not finished"):
        open_scored_run(round_, other.folder.path)
    both = {"evaluation": {"path": str(run.sample.path)}, "new_samples": {"path": str(run.sample.path)}}
    wider = replace_samples(round_, both)
    with pytest.raises(InputDataError, match="scored the sample 'evaluation', but sampling draws from 'new_samples'"):
        open_scored_run(wider, run.folder.path)


def replace_samples(round_, samples):
    said = {name: type(round_.samples["evaluation"])(**sample) for name, sample in samples.items()}
    return round_.model_copy(update={"samples": said})


def test_the_newest_run_of_the_round_is_found(make, run, tmp_path):
    round_ = make()
    round_ = round_.model_copy(
        update={"inference": round_.inference.model_copy(update={"output_path": tmp_path / "found"})}
    )
    made = scored_run(tmp_path / "found", run.sample, ["positive", "negative"], given, 200)
    with pytest.raises(RunFolderError, match="no finished run"):
        find_scored_run(round_, "main")
    from tasks.core.runs.plan_file import write_plan  # noqa: PLC0415

    write_plan(replace(made.plan, round_name=round_.name), made.folder)
    assert find_scored_run(round_, "main")[1] == made.folder
    inputs = replace(made.plan.inputs, limit=900)
    trial = replace(made.plan, round_name=round_.name, inputs=inputs, run_id=inputs.run_id)
    made.folder.plan_path.unlink()
    write_plan(trial, made.folder)
    with pytest.raises(RunFolderError, match="no finished run"):
        find_scored_run(round_, "main")
