"""A pool of 6,000 texts in a real run folder: drawn from, answered, judged; its truth is known."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from tasks.core.base.errors import RunFolderError
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.engines.model_folder import read_engine_model
from tasks.core.evaluation.count_bounds import Estimate
from tasks.core.evaluation.evaluate_label import Judged, evaluate_label
from tasks.core.evaluation.evaluation_record import Champion, read_evaluation, standing_of, write_evaluation
from tasks.core.evaluation.pool_answers import batches_of_pool, read_answers
from tasks.core.evaluation.pool_measures import PoolMeasures, weighted_labels
from tasks.core.evaluation.pool_run import PoolRun, find_pool_run
from tasks.core.evaluation.rank_sample import MoreTexts, draw_rank_sample, unasked, write_rank_sample
from tasks.core.evaluation.run_labels import CAPPED, gather_labels, with_known
from tasks.core.evaluation.seed_sentences import seed_sentence_recall
from tasks.core.evaluation.verdict_tables import LABEL_THIS, curve_rows, figure_rows, outcome, verdict_rows
from tasks.core.exchange.batch import BatchAbout, list_batches, place_of, write_batch
from tasks.core.ranking.ranked import open_ranked
from tasks.core.round.evaluation_section import Evaluation
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import make_plan
from tasks.core.runs.plan_file import write_plan
from tests.support.batch_answers import answer_batch
from tests.support.plans import engine_uses
from tests.support.round_files import write_round
from tests.support.scored_runs import ENGINE, scored_run, write_sample_files

ROWS = 6_000
LOG_ODDS = 4 - np.arange(ROWS) / 300
TRUTH = np.random.default_rng(0).random(ROWS) < expit(LOG_ODDS * 1.5)
TEXTS = [f"I lost my job {number}" if TRUTH[number] and number % 2 else f"text {number}" for number in range(ROWS)]
SECTION = {"rank_sample": {"ranks": 9}, "precision_at": [20, 50, 1_000], "calibration": {"bootstraps": 300}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The text of id 7 is the eighth best."""
    folder = tmp_path_factory.mktemp("pool")
    table = pa.table({"tweet_id": pa.array(range(ROWS)), "text": TEXTS})
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
    fresh = unasked(drawn, read_answers(batches_of_pool(round_, run), "positive"))
    if len(fresh):
        batch = write_rank_sample(round_, run, {"positive": fresh}, {"positive": ROWS})
        if answered:
            answer_batch(batch.folder, truth_of)
    return drawn, len(fresh)


def judge(round_, run, drawn, champion=None):
    answers = read_answers(batches_of_pool(round_, run), "positive")
    with open_ranked(run.folder, "positive", "all") as ranked:
        labels = gather_labels(round_, run, ranked, drawn.strata, answers)
        before = read_answers(batches_of_pool(round_, run), "positive", before=run.plan.run_id)
        labels = with_known(labels, ranked, round_.samples["evaluation"], before, 1_000)
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


def test_texts_go_out_in_an_order_by_chance(round_, run):
    """Who labels a CSV from the top and stops has else labelled the best rank of each stratum, which says too much."""
    drawn, _ = ask(round_, run)
    ids = pq.read_table(list_batches(round_)[0] / "texts.parquet")["tweet_id"].to_pylist()
    assert abs(np.corrcoef(ids, range(len(ids)))[0, 1]) < 0.4
    assert len(ids) == sum(len(one.rows) for one in drawn.strata)


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
    assert drawn.answered(read_answers(batches_of_pool(round_, run), "positive")) == 0
    name, message = outcome([], (asked, list_batches(round_)[0]), 1)
    assert name == LABEL_THIS
    assert str(list_batches(round_)[0]) in message
    assert outcome([], None, 1)[0] == LABEL_THIS


def sampled(
    round_,
    run,
    method,
    ranks,
    chances,
    *,
    stratum=None,
    label="positive",
    run_id=None,
    population=1_000,
    text=None,
    lost=0,
):
    """Write a batch as sampling leaves one, and answer it."""
    draws = pa.table(
        {
            "tweet_id": pa.array([rank - 1 for rank in ranks]),
            "label": [label] * len(ranks),
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
            "text": [text or TEXTS[rank - 1] for rank in ranks],
            "labels": [[label]] * len(ranks),
            "author": pa.nulls(len(ranks), pa.string()),
        }
    )
    batch_id = f"{method}00000000"[:12]
    counted = {"population_rows": population, "drawn": len(ranks) + lost}
    about = BatchAbout(
        batch_id=batch_id,
        kind="sampling",
        country=round_.country,
        round_name=round_.name,
        run_folder=str(run.folder.path),
        run_id=run_id or run.plan.run_id,
        population={"positive": ROWS},
        settings={"top": 1_000, "strata": [100, 1_000]},
        random_state=0,
        counts={"draws": [{"label": label, "method": method, "reason": "drawn"} | counted]},
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
    assert reasons == {"explore, 1 draw": 2, "adaptive, 1 draw": 3, "exploit, 1 draw": 2}
    notes = {row["note"]: row["value"] for row in figure_rows([found.record]) if "no estimate" in row["figure"]}
    assert (len(notes), notes[f"exploit, 1 draw: {CAPPED}"]) == (3, "2")
    sample = {id_ for stratum in drawn.strata for id_ in stratum.rows["tweet_id"].to_pylist()}
    by_words = {2_000, 2_004} - sample
    assert len(by_words) > 0
    assert len(labels.scores) - len(before[0].scores) == len({1, 2, 3, 10, 899} - sample)


def test_a_draw_that_lost_a_text_to_another_label_s_draw_is_a_capped_one(round_, run):
    """Under a cap that all labels share, those that stayed are as likely as before, and one is missing."""
    drawn, _ = ask(round_, run)
    sampled(round_, run, "exploit", [11, 900], [0.2, 0.2], lost=1)
    reasons = judge(round_, run, drawn)[1].record.unused_labels
    assert reasons == {f"exploit, 1 draw: {CAPPED}": 2}


def leave_run(round_, limit=None, version="3"):
    """Leave plan and manifest of a finished run, as far as it is looked for by them, and return its id."""
    sample, uses = round_.samples["evaluation"], engine_uses({"positive": read_engine_model(ENGINE)}, version)
    plan = make_plan("evaluation", sample, list_sample(sample), uses, round_.inference, limit, [])
    folder = RunFolder(round_.inference.output_path / f"iter_0-main-{plan.run_id}-evaluation")
    write_plan(replace(plan, round_name=round_.name), folder)
    folder.manifest_path.touch()
    return plan.run_id


def test_neither_a_newer_trial_of_some_rows_nor_scores_of_seeds_are_judged_unasked(round_):
    trial, seeds = leave_run(round_, limit=1_000), leave_run(round_, version="seed 3")
    with pytest.raises(RunFolderError, match=f"of some rows alone there are: {trial} of 1000 rows. Run"):
        find_pool_run(round_, "evaluation", "main")
    with pytest.raises(RunFolderError, match=f"with the id {seeds}"):
        find_pool_run(round_, "evaluation", "main", seeds)
    assert find_pool_run(round_, "evaluation", "main", trial).plan.inputs.limit == 1_000


def test_a_ranking_is_not_judged_by_the_texts_that_the_former_one_liked(round_, run):
    """Half of the best 50 were found true by the former round; nobody was asked of the others, which may all be false.

    The version would else become champion before one label of its own ranking is in.
    """
    drawn, _ = ask(round_, run, MoreTexts(30, 50), answered=False)
    true = [rank for rank in range(1, 51) if TRUTH[rank - 1]][::2]
    sampled(round_, run, "adaptive", true, [1.0] * len(true), run_id="0123456789ab")
    top = judge(round_, run, drawn)[1].record.tops["50"]["precision"]
    assert (top["low"], top["high"]) == (len(true) / 50, 1)
    assert len(true) == 25


def test_what_went_out_for_another_label_was_not_drawn_by_sampling(round_, run):
    """Another label's best 400 are left out of this one's draw, which then speaks of ranks 401 to 1,000 alone."""
    drawn, _ = ask(round_, run)
    sampled(round_, run, "adaptive", list(range(1, 401)), [1.0] * 400, label="negative", run_id="0123456789ab")
    ranks = np.random.default_rng(1).choice(np.arange(401, 1_001), 300, replace=False).tolist()
    sampled(round_, run, "exploit", ranks, [0.3] * 300)
    strata = [stratum for stratum in drawn.strata if stratum.first <= 400 < stratum.last]
    found = judge(round_, run, drawn)[0].ranks
    (stratum,) = strata
    apart = [cell for cell in found.cells(stratum.first, stratum.last) if cell.size == 401 - stratum.first]
    own = [rank for rank in stratum.rows["rank"].to_pylist() if rank <= 400]
    assert [(cell.labelled, cell.positives) for cell in apart] == [(len(own), sum(TRUTH[rank - 1] for rank in own))]


def test_a_draw_from_the_few_rows_that_the_expert_scored_speaks_of_these_alone(round_, run):
    """Screening left 200 rows to the expert: exploit's best 1,000 are these, and not 800 more."""
    drawn, _ = ask(round_, run)
    sampled(round_, run, "exploit", list(range(1, 201, 2)), [0.5] * 100, population=200)
    assert [(draw.first, draw.last) for draw in judge(round_, run, drawn)[0].ranks.draws[len(drawn.strata) :]] == [
        (1, 200)
    ]


def test_a_copy_of_what_went_out_was_not_drawn_by_sampling_either(round_, run):
    """The text of rank 1,000 went out of another run under another id, with other case and white space."""
    drawn, _ = ask(round_, run)
    sampled(round_, run, "exploit", list(range(401, 801, 4)), [0.1] * 100)
    alone = judge(round_, run, drawn)[0].ranks.known
    sampled(round_, run, "adaptive", [5_999], [1.0], run_id="0123456789ab", text=f"  {TEXTS[999].upper()} ")
    ranks = judge(round_, run, drawn)[0].ranks
    assert (len(alone.ranks), ranks.known.ranks.tolist()) == (0, [1_000])


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
    assert np.isnan(read_answers(batches_of_pool(round_, run), "positive").decided[str(rank - 1)])


def test_an_answer_is_of_its_text_and_not_of_whatever_has_its_id_in_another_sample(round_, run):
    """Another sample of the country counts its texts from 0, too: its answers, all wrong here, were taken for these."""
    drawn, asked = ask(round_, run, answered=False)
    ranks = [rank for stratum in drawn.strata for rank in stratum.rows["rank"].to_pylist()]
    sampled(round_, run, "adaptive", ranks, [1.0] * asked, run_id="0123456789ab", text="of another sample")
    answers = read_answers(batches_of_pool(round_, run), "positive")
    assert (drawn.answered(answers), answers.strange) == (0, asked)
    answer_batch(place_of(round_, "evaluation", list_batches(round_)[0].name.partition("-")[2]), truth_of)
    record = judge(round_, run, drawn)[1].record
    assert record.answered == asked
    assert record.unused_labels == {"answers of another sample, whose texts are others under the same ids": asked}


def test_what_went_out_of_another_sample_under_the_same_id_was_not_asked_of_this_one(round_, run):
    with open_ranked(run.folder, "positive", "all") as ranked:
        drawn = draw_rank_sample(ranked, round_.evaluation, run.plan.run_id)
    sampled(round_, run, "adaptive", [1, 2], [1.0] * 2, run_id="0123456789ab", text="of another sample")
    assert {0, 1} <= set(unasked(drawn, read_answers(batches_of_pool(round_, run), "positive"))["tweet_id"].to_pylist())


def test_an_answer_of_another_run_serves_where_its_text_is_the_same(round_, run):
    """The run may be gone, and its sample have had the text in other case and white space."""
    sampled(round_, run, "adaptive", [1], [1.0], run_id="0123456789ab", text=f" {TEXTS[0].upper()}\n")
    answers = read_answers(batches_of_pool(round_, run), "positive")
    assert (answers.decided, answers.strange) == ({"0": float(TRUTH[0])}, 0)


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
    labels, ids = weighted_labels(drawn, read_answers(batches_of_pool(round_, run), "positive"))
    assert labels.weights.sum() == pytest.approx(ROWS)
    assert len(ids) == len(labels.answers) == drawn.answered(read_answers(batches_of_pool(round_, run), "positive"))


def test_a_largest_rank_below_the_pool_leaves_the_rest_unknown_unless_texts_are_drawn_there(round_, run):
    for texts_below, reach in ((0, 500), (8, ROWS)):
        section = Evaluation(rank_sample={"ranks": 5, "largest_rank": 500, "texts_below": texts_below})
        with open_ranked(run.folder, "positive", "all") as ranked:
            strata = draw_rank_sample(ranked, section, run.plan.run_id).strata
        assert strata[-1].last == reach
