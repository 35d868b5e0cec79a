"""A pool of 6,000 texts in a real run folder: drawn from, answered, judged; its truth is known."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from tasks.core.evaluation.count_bounds import Estimate
from tasks.core.evaluation.evaluate_label import Judged, evaluate_label
from tasks.core.evaluation.evaluation_record import Champion, read_evaluation, standing_of, write_evaluation
from tasks.core.evaluation.pool_answers import read_answers
from tasks.core.evaluation.pool_measures import PoolMeasures, weighted_labels
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.evaluation.rank_sample import MoreTexts, draw_rank_sample, unasked, write_rank_sample
from tasks.core.evaluation.run_labels import gather_labels, with_known
from tasks.core.evaluation.seed_sentences import seed_sentence_recall
from tasks.core.evaluation.verdict_tables import LABEL_THIS, curve_rows, figure_rows, outcome, verdict_rows
from tasks.core.exchange.batch import BatchAbout, list_batches, place_of, write_batch
from tasks.core.ranking.ranked import open_ranked
from tasks.core.round.evaluation_section import Evaluation
from tasks.core.round.round_file import read_round
from tests.support.batch_answers import answer_batch
from tests.support.round_files import write_round
from tests.support.scored_runs import scored_run, write_sample_files

ROWS = 6_000
LOG_ODDS = 4 - np.arange(ROWS) / 300
TRUTH = np.random.default_rng(0).random(ROWS) < expit(LOG_ODDS * 1.5)
SECTION = {"rank_sample": {"ranks": 9}, "precision_at": [20, 50, 1_000], "calibration": {"bootstraps": 300}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The text of id 7 is the eighth best."""
    folder = tmp_path_factory.mktemp("pool")
    texts = [f"I lost my job {number}" if TRUTH[number] and number % 2 else f"text {number}" for number in range(ROWS)]
    table = pa.table({"tweet_id": pa.array(range(ROWS)), "text": texts})
    sample = write_sample_files(folder / "sample", [table.slice(0, 3_000), table.slice(3_000)])
    made = scored_run(folder, sample, ["positive"], lambda _, __, ids: (expit(LOG_ODDS[ids.to_numpy()]), None))
    return PoolRun(made.plan, made.folder)


@pytest.fixture
def round_(run, tmp_path):
    sample = {"evaluation": {"path": str(run.folder.path.parent / "sample")}}
    path = write_round(tmp_path, tmp_path, labels={"positive": "positive"}, samples=sample, evaluation=SECTION)
    return read_round(path)


def truth_of(row):
    return int(TRUTH[int(row["tweet_id"])])


def ask(round_, run, more=None, answered=True):
    """Draw the rank sample, send out what is new, and answer it."""
    with open_ranked(run.folder, "positive", "all") as ranked:
        drawn = draw_rank_sample(ranked, round_.evaluation, run.plan.run_id, more)
    fresh = unasked(drawn, read_answers(round_, "positive"))
    if len(fresh):
        batch = write_rank_sample(round_, run, {"positive": fresh}, {"positive": ROWS})
        if answered:
            answer_batch(batch.folder, truth_of)
    return drawn, len(fresh)


def judge(round_, run, drawn, champion=None):
    answers = read_answers(round_, "positive")
    with open_ranked(run.folder, "positive", "all") as ranked:
        labels = gather_labels(round_, run, ranked, drawn.strata, answers)
        labels = with_known(labels, ranked, read_answers(round_, "positive", before=run.plan.run_id), 1_000)
        judged = Judged(run, ranked, drawn.strata, labels, PoolMeasures())
        return labels, evaluate_label(round_, judged, champion)


def test_the_sample_is_the_same_again_and_a_larger_one_holds_it(round_, run):
    first, asked = ask(round_, run)
    again, nothing = ask(round_, run)
    assert (asked, nothing) == (sum(len(one.rows) for one in first.strata), 0)
    assert [one.rows for one in again.strata] == [one.rows for one in first.strata]
    larger, new = ask(round_, run, MoreTexts(25, 1_000))
    assert sum(len(one.rows) for one in larger.strata) == asked + new
    for small, large in zip(first.strata, larger.strata, strict=True):
        assert set(small.rows["tweet_id"].to_pylist()) <= set(large.rows["tweet_id"].to_pylist())
        assert len(large.rows) == (min(25, large.size) if large.first <= 1_000 else len(small.rows))


def test_the_batch_says_each_text_s_stratum_and_probability(round_, run):
    drawn, _ = ask(round_, run)
    (folder,) = list_batches(round_)
    table = pq.read_table(folder / "draws.parquet").to_pylist()
    for row in table:
        stratum = drawn.strata[row["stratum"]]
        assert stratum.first <= row["rank"] <= stratum.last
        assert row["inclusion_probability"] == pytest.approx(min(10, stratum.size) / stratum.size)
        assert row["rank"] == row["tweet_id"] + 1
    assert pq.read_table(folder / "texts.parquet")["labels"].to_pylist() == [["positive"]] * len(table)


def test_estimates_cover_the_truth_and_the_calibration_is_near_it(round_, run):
    drawn, _ = ask(round_, run, MoreTexts(40, None))
    labels, found = judge(round_, run, drawn)
    record = found.record
    for rank in (20, 50, 1_000):
        top = record.tops[str(rank)]
        assert top["precision"]["low"] - 1e-9 <= TRUTH[:rank].mean() <= top["precision"]["high"] + 1e-9
    assert record.positives["low"] <= TRUTH.sum() <= record.positives["high"]
    assert (record.reach, record.answered) == (ROWS, record.asked)
    above = record.expansion["above"]
    assert above["low"] <= (np.log(found.calibration.threshold / (1 - found.calibration.threshold)) < LOG_ODDS).sum()
    assert above["low"] <= above["value"] <= above["high"]
    assert (record.decision, found.promotes) == ("first", True)
    assert len(labels.scores) == record.answered


def test_what_is_unlabelled_is_said(round_, run):
    drawn, _ = ask(round_, run)
    (folder,) = list_batches(round_)
    answer_batch(folder, lambda row: truth_of(row) if row["rank"] <= 20 or row["rank"] > 1_000 else None)
    record = judge(round_, run, drawn)[1].record
    assert record.answered < record.asked
    assert record.reach == 20
    assert record.tops["1000"]["nothing_labelled"]
    rows = {row["figure"]: row for row in figure_rows([record])}
    assert "nothing labelled of ranks 21 to 50" in rows["precision at 1000"]["note"]
    assert "nothing is known below" in rows["true texts"]["note"]


@pytest.mark.parametrize("answer", [0, 1])
def test_no_positives_and_all_positives_are_estimated_but_not_calibrated(round_, run, answer):
    drawn, _ = ask(round_, run)
    answer_batch(list_batches(round_)[0], lambda _: answer)
    found = judge(round_, run, drawn)[1]
    assert found.calibration is None
    assert found.record.expansion is None
    assert "cannot be calibrated: 0 of its" in found.record.calibration["refused"]
    top = Estimate(**found.record.tops["1000"]["precision"])
    assert (top.value, top.high > top.low) == (answer, True)
    assert standing_of(found.record).lacking_labels == 10


def test_a_screened_or_unanswered_sample_is_label_this(round_, run):
    drawn, asked = ask(round_, run, answered=False)
    assert drawn.answered(read_answers(round_, "positive")) == 0
    name, message = outcome([], (asked, list_batches(round_)[0]), 1)
    assert name == LABEL_THIS
    assert str(list_batches(round_)[0]) in message
    assert outcome([], None, 1)[0] == LABEL_THIS


def sampled(round_, run, method, ranks, chances, stratum=None):
    """Write a batch as sampling leaves one."""
    draws = pa.table(
        {
            "tweet_id": pa.array([rank - 1 for rank in ranks]),
            "label": ["positive"] * len(ranks),
            "method": [method] * len(ranks),
            "reason": ["drawn"] * len(ranks),
            "rank": pa.array(ranks, pa.int64()),
            "score": expit(LOG_ODDS[np.array(ranks) - 1]),
            "stage": pa.nulls(len(ranks), pa.string()),
            "stratum": pa.array([stratum] * len(ranks), pa.int32()),
            "inclusion_probability": chances,
        }
    )
    texts = pa.table(
        {
            "tweet_id": draws["tweet_id"],
            "text": [f"text {rank}" for rank in ranks],
            "labels": [["positive"]] * len(ranks),
            "author": pa.nulls(len(ranks), pa.string()),
        }
    )
    batch_id = f"{method}00000000"[:12]
    about = BatchAbout(
        batch_id=batch_id,
        kind="sampling",
        country=round_.country,
        round_name=round_.name,
        run_folder=str(run.folder.path),
        run_id=run.plan.run_id,
        population={"positive": ROWS},
        settings={"top": 1_000, "strata": [100, 1_000]},
        random_state=0,
        counts={},
    )
    answer_batch(write_batch(place_of(round_, "sampling", batch_id), draws, texts, about).folder, truth_of)


def test_labels_bought_for_training_serve_where_their_texts_were_equally_likely(round_, run):
    drawn, _ = ask(round_, run)
    alone = judge(round_, run, drawn)[1].record
    ranks = np.random.default_rng(1).choice(np.arange(1, 1_001), 200, replace=False).tolist()
    sampled(round_, run, "exploit", ranks, [0.2] * 200)
    both = judge(round_, run, drawn)[1].record
    assert both.labels > alone.labels + 150
    width = [one.tops["1000"]["precision"]["high"] - one.tops["1000"]["precision"]["low"] for one in (alone, both)]
    assert width[1] < 0.7 * width[0]
    assert both.unused_labels == {}


def test_labels_of_motifs_edges_and_capped_draws_are_counted_and_left_out(round_, run):
    drawn, _ = ask(round_, run)
    before = judge(round_, run, drawn)
    sampled(round_, run, "explore", [2_001, 2_005], [0.5, 0.5])
    sampled(round_, run, "adaptive", [2, 3, 4], [1.0] * 3)
    sampled(round_, run, "exploit", [11, 900], [0.2, 0.1])
    labels, found = judge(round_, run, drawn)
    assert found.record.tops == before[1].record.tops
    reasons = {reason.split(":")[0]: count for reason, count in found.record.unused_labels.items()}
    assert reasons == {"explore": 2, "adaptive": 3, "exploit": 2}
    sample = {id_ for stratum in drawn.strata for id_ in stratum.rows["tweet_id"].to_pylist()}
    by_words = {2_000, 2_004} - sample
    assert len(by_words) > 0
    assert len(labels.scores) - len(before[0].scores) == len({1, 2, 3, 10, 899} - sample)


def test_strata_and_random_texts_of_sampling_serve_too(round_, run):
    drawn, _ = ask(round_, run)
    alone = judge(round_, run, drawn)[1].record
    sampled(round_, run, "stratified", [105, 400, 800], [3 / 900] * 3, stratum=1)
    sampled(round_, run, "random", [3_000, 5_900], [2 / ROWS] * 2)
    both = judge(round_, run, drawn)[1].record
    assert both.unused_labels == {}
    assert both.labels - alone.labels >= 4


def test_answers_of_two_batches_that_contradict_each_other_do_not_count(round_, run):
    drawn, _ = ask(round_, run)
    rank = drawn.strata[-1].rows["rank"][0].as_py()
    sampled(round_, run, "adaptive", [rank], [1.0])
    answer_batch(place_of(round_, "sampling", "adaptive0000"), lambda row: 1 - truth_of(row))
    assert np.isnan(read_answers(round_, "positive").decided[str(rank - 1)])


def test_a_record_reads_back_and_drift_is_measured_on_the_same_texts(round_, run, tmp_path):
    drawn, _ = ask(round_, run)
    record = judge(round_, run, drawn)[1].record
    write_evaluation(tmp_path / "evaluation.json", record)
    read = read_evaluation(tmp_path / "evaluation.json")
    assert read == record
    old = Champion(record.registered_model, "0", read)
    beside = judge(round_, run, drawn, old)[1].record
    assert (beside.drift["psi"], beside.drift["ks"]) == (0, 0)
    assert {check["figure"] for check in beside.checks} == {
        "precision at 50",
        "precision at 10000",
        "expansion",
        "drift",
    }
    assert all(len(row) <= 6 for row in [*verdict_rows([beside]), *figure_rows([beside]), *curve_rows(beside)])
    bare = judge(round_, run, drawn, Champion(record.registered_model, "0", None))[1].record
    assert bare.decision == "unclear"
    assert "of the champion, version 0, has no labels" in bare.sentence


def test_another_country_s_model_is_measured_but_not_made_champion(round_, run):
    borrowing = round_.model_copy(update={"model_country": "MX"})
    drawn, _ = ask(borrowing, run)
    found = judge(borrowing, run, drawn)[1]
    assert (found.record.decision, found.promotes) == ("borrowed", False)
    assert found.record.tops["50"]["precision"]["value"] > 0


def test_seed_sentences_are_found_in_pool_and_top(round_, run):
    holding = TRUTH & (np.arange(ROWS) % 2 == 1)
    with open_ranked(run.folder, "positive", "all") as ranked:
        sample = round_.samples["evaluation"]
        found = seed_sentence_recall(run, ranked, sample, ["i LOST my job "], 1_000)
        none = seed_sentence_recall(run, ranked, sample, ["fui despedido"], 1_000)
    assert (found.in_pool, found.in_top) == (holding.sum(), holding[:1_000].sum())
    assert found.recall == holding[:1_000].sum() / holding.sum()
    assert (none.in_pool, none.recall) == (0, None)


def test_weights_stand_for_the_whole_pool(round_, run):
    drawn, _ = ask(round_, run)
    labels, ids = weighted_labels(drawn, read_answers(round_, "positive"))
    assert labels.weights.sum() == pytest.approx(ROWS)
    assert len(ids) == len(labels.answers) == drawn.answered(read_answers(round_, "positive"))


def test_a_largest_rank_below_the_pool_leaves_the_rest_unknown_unless_texts_are_drawn_there(round_, run):
    for texts_below, reach in ((0, 500), (8, ROWS)):
        section = Evaluation(rank_sample={"ranks": 5, "largest_rank": 500, "texts_below": texts_below})
        with open_ranked(run.folder, "positive", "all") as ranked:
            strata = draw_rank_sample(ranked, section, run.plan.run_id).strata
        assert strata[-1].last == reach
