"""The release gate on planted versions: a collapse, too few labels, a real gain, force and drift."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.base.errors import EvaluationError
from tasks.core.evaluation.count_bounds import Cell, Estimate, true_texts
from tasks.core.evaluation.release.difference import difference, labels_for_precision, verdict_of
from tasks.core.evaluation.release.release_gate import forced_label, held, judge
from tasks.core.evaluation.release.score_drift import measure_drift
from tasks.core.evaluation.release.standing import Expansion, Standing, TopTexts
from tasks.core.round.evaluation_section import Gate

GATE = Gate(precision_at={50: 0.1, 10_000: 0.2}, expansion=0.5)


def top(rank, precision, labelled):
    """The best `rank` texts, of which so many are labelled."""
    return TopTexts(rank, (Cell(rank, labelled, round(precision * labelled)),))


def standing(version, best=0.96, many=0.8, labelled=(50, 400), above=(20_000, 15_000, 26_000)):
    tops = {50: top(50, best, labelled[0]), 10_000: top(10_000, many, labelled[1])}
    return Standing("us.is_hired", version, tops, Expansion(Estimate(*above), 1_000_000, 300))


CHAMPION = standing("3")


def test_a_collapse_of_precision_at_50_is_refused_though_validation_is_better():
    """Exploit-explore of `job_search` fell from 1.0 to .12 at its third iteration: no validation figure is asked."""
    found = judge(standing("4", best=0.12), CHAMPION, None, GATE)
    assert (found.decision, found.promotes) == ("refused", False)
    assert found.sentence.startswith(
        "us.is_hired version 4 is refused, champion version 3 stays: precision at 50 is 0.12"
    )
    assert [row["verdict"] for row in found.rows()] == ["falls", "passes", "passes"]


def test_a_version_that_stays_as_good_is_promoted():
    found = judge(standing("4"), CHAMPION, None, GATE)
    assert (found.decision, found.promotes) == ("promoted", True)


def test_too_few_labels_cannot_tell_and_say_how_many_would():
    found = judge(standing("4", best=1, labelled=(5, 400)), CHAMPION, None, GATE)
    assert (found.decision, found.promotes) == ("unclear", False)
    needed = found.checks[0].needed
    assert 5 < needed.own <= 45
    assert f"Label {needed.own} more" in found.sentence
    more = standing("4", best=1, labelled=(5 + needed.own, 400))
    assert judge(more, CHAMPION, None, GATE).decision == "promoted"


def test_where_the_champion_has_few_labels_it_needs_some_too():
    champion = standing("3", many=0.75, labelled=(50, 8))
    found = judge(standing("4", many=0.7), champion, None, GATE)
    assert found.decision == "unclear"
    assert found.checks[1].needed.champions > 0
    assert "of the champion's evaluation batch" in found.sentence


def test_no_label_at_all_cannot_tell():
    bare = Standing("us.is_hired", "4", {50: top(50, 0, 0), 10_000: top(10_000, 0, 0)}, None, "no labels", 10)
    assert judge(bare, CHAMPION, None, GATE).decision == "unclear"
    assert judge(bare, None, None, GATE).decision == "unclear"


@pytest.mark.parametrize("precision", [0.0, 1.0])
def test_a_sure_fall_or_gain_of_all_texts_needs_no_more_labels(precision):
    found = judge(standing("4", best=precision, many=precision), CHAMPION, None, GATE)
    assert found.decision == ("promoted" if precision else "refused")


def test_an_expansion_that_collapses_is_refused():
    found = judge(standing("4", above=(1_177, 1_170, 1_185)), CHAMPION, None, GATE)
    assert found.decision == "refused"
    assert found.checks[2].figure == "expansion"
    assert judge(standing("4", above=(1_177, 1_170, 1_185)), CHAMPION, None, Gate(expansion=1)).promotes


def test_an_uncertain_expansion_cannot_tell():
    found = judge(standing("4", above=(15_000, 5_000, 45_000)), CHAMPION, None, GATE)
    assert found.decision == "unclear"
    assert found.checks[2].needed.own > 100


def test_a_version_that_cannot_be_calibrated_cannot_tell_but_a_champion_that_could_not_holds_none_back():
    lacking = Standing("us.is_hired", "4", standing("4").tops, None, "3 true texts of 10", 7)
    assert judge(lacking, CHAMPION, None, GATE).checks[2].needed.own == 7
    assert judge(standing("4"), Standing("us.is_hired", "3", CHAMPION.tops, None, "none"), None, GATE).promotes


def test_the_first_version_becomes_champion_with_what_its_figures_stand_on_and_the_champion_stands():
    found = judge(standing("1"), None, None, GATE)
    assert found.decision == "first"
    assert "there was none, so nothing was compared: precision at 50 is 0.96" in found.sentence
    assert [row["verdict"] for row in found.rows()] == ["passes", "passes"]
    assert "by 50 labels" in found.rows()[0]["because"]
    assert judge(CHAMPION, CHAMPION, None, GATE).decision == "stands"


@pytest.mark.parametrize(("labelled", "needed"), [((1, 1), 39), ((20, 20), 20), ((19, 400), 1), ((20, 39), 1)])
def test_a_first_version_needs_labels_in_each_stretch_of_ranks_and_is_told_how_many(labelled, needed):
    """One answer of one text made a champion, beside which all later versions would be judged."""
    found = judge(standing("1", labelled=labelled), None, None, GATE)
    assert (found.decision, found.promotes) == ("unclear", False)
    assert f"there is no champion. Label {needed} more: " in found.sentence
    assert "a first champion needs 20 (evaluation.gate.first_labels)" in found.sentence
    assert judge(standing("1", labelled=labelled), None, None, GATE, "nothing else can serve").decision == "forced"


def test_a_first_version_of_few_texts_needs_no_more_labels_than_there_are_texts():
    few = Standing("us.is_hired", "1", {50: top(8, 1, 7), 10_000: top(8, 1, 7)}, None)
    assert judge(few, None, None, GATE).decision == "first"
    assert judge(replace(few, tops={50: top(8, 1, 3)}), None, None, GATE).decision == "unclear"
    assert judge(standing("1", labelled=(3, 6)), None, None, Gate(first_labels=3)).decision == "first"


def test_an_earlier_round_evaluated_again_does_not_take_its_successor_s_place_but_by_force():
    assert judge(standing("10"), standing("9"), None, GATE).promotes
    found = judge(standing("9"), standing("10"), None, GATE)
    assert (found.decision, found.promotes) == ("refused", False)
    assert "earlier version" in found.sentence
    assert judge(standing("9"), standing("10"), None, GATE, "version 10 fails in production").decision == "forced"


def test_precision_at_a_rank_is_not_compared_among_unlike_numbers_of_texts():
    """A worse version has as many true texts among its best 50 where it ranks ten times as many."""
    few, many = (replace(standing(version), rows=rows) for version, rows in (("3", 100_000), ("4", 1_000_000)))
    found = judge(many, few, None, GATE)
    assert (found.decision, found.promotes) == ("unclear", False)
    assert "1,000,000 texts, the champion's 100,000" in found.sentence
    assert judge(replace(many, rows=105_000), few, None, GATE).promotes


def test_figures_on_other_texts_are_not_compared_though_they_are_as_many():
    """A sample of texts that hold a word of the label is easy: as many random ones of the same name are not."""
    champion, easy = (replace(standing(v), rows=100_000, sample_digest=d) for v, d in (("3", "random"), ("4", "words")))
    found = judge(easy, champion, None, GATE)
    assert (found.decision, found.promotes) == ("unclear", False)
    assert "sample is another: 100,000 texts were ranked, and the champion ranked 100,000 others" in found.sentence
    assert judge(replace(easy, sample_digest="random"), champion, None, GATE).promotes
    vouched = judge(easy, champion, None, GATE.model_copy(update={"same_texts": False}))
    assert vouched.promotes
    assert vouched.rows()[-1]["because"].startswith("is not measured")
    largest = GATE.model_copy(update={"same_texts": False, "largest_psi": 0.25})
    assert judge(easy, champion, None, largest).decision == "unclear"
    assert not judge(replace(easy, rows=200_000), champion, None, largest).promotes


def test_force_needs_a_reason_and_records_it():
    collapsed = standing("4", best=0.12)
    with pytest.raises(EvaluationError, match="at least 10 characters"):
        judge(collapsed, CHAMPION, None, GATE, "because")
    found = judge(collapsed, CHAMPION, None, GATE, "the champion's labels were wrong")
    assert (found.decision, found.force_reason) == ("forced", "the champion's labels were wrong")
    assert "version 4 is refused" in found.sentence
    assert judge(standing("4"), CHAMPION, None, GATE, "not needed after all").decision == "promoted"


def test_a_reason_forces_the_label_that_it_is_for_and_no_other():
    """In a round of five labels, a reason for one made champions of the four others that were refused, too."""
    reason = "the champion's labels were wrong"
    assert forced_label("", None, ["a", "b"]) is None
    assert forced_label(reason, None, ["a"]) == "a"
    assert forced_label(reason, "b", ["a", "b"]) == "b"
    for given in ((reason, None), (reason, "c"), ("", "a")):
        with pytest.raises(EvaluationError, match="the label that it is for, one of"):
            forced_label(*given, ["a", "b"])


def test_the_wrong_version_rarely_passes_and_a_good_one_is_rarely_refused():
    """A thousand labellings of a version whose precision at 10,000 fell by 0.3, and of one that is as good."""
    draw = np.random.default_rng(0)
    passed = refused = 0
    for fallen, good in zip(draw.binomial(400, 0.5, 1_000), draw.binomial(400, 0.8, 1_000), strict=True):
        theirs = true_texts([Cell(10_000, 400, int(draw.binomial(400, 0.8)))]).scaled(1e-4)
        change = difference(true_texts([Cell(10_000, 400, int(fallen))]).scaled(1e-4), theirs)
        passed += verdict_of(change, 0.2) == "passes"
        same = difference(true_texts([Cell(10_000, 400, int(good))]).scaled(1e-4), theirs)
        refused += verdict_of(same, 0.2) == "falls"
    assert passed <= 25
    assert refused <= 25


def test_the_number_of_labels_decides_if_what_is_found_stays_alike():
    new, champion = [Cell(10_000, 40, 30)], [Cell(10_000, 5_000, 4_000)]
    needed = labels_for_precision(new, champion, (10_000, 10_000), 0.2)
    assert needed.a_stratum == 40 + needed.own
    grown = [Cell(10_000, needed.a_stratum, round(0.75 * needed.a_stratum))]
    assert verdict_of(difference(true_texts(grown).scaled(1e-4), true_texts(champion).scaled(1e-4)), 0.2) == "passes"


EDGES = np.linspace(0, 1, 101)[:-1]


def test_the_same_scores_do_not_drift():
    counts = np.arange(1, 101)
    found = measure_drift(counts, counts, EDGES)
    assert (found.psi, found.ks) == (0, 0)
    assert found.sentence.startswith("little")


def test_drift_is_the_textbook_s_and_says_where():
    draw = np.random.default_rng(0)
    champion, new = draw.beta(1, 9, 100_000), draw.beta(2, 9, 100_000)
    counts = [np.histogram(scores, np.linspace(0, 1, 101))[0] for scores in (new, champion)]
    found = measure_drift(*counts, EDGES)
    grid = np.linspace(0, 1, 101)
    both = [np.searchsorted(np.sort(scores), grid) / 100_000 for scores in (new, champion)]
    assert found.ks == pytest.approx(abs(both[0] - both[1]).max(), abs=1e-9)
    parts = [(band.share - band.champion_share) * np.log(band.share / band.champion_share) for band in found.bands]
    assert found.psi == pytest.approx(sum(parts))
    assert sum(band.share for band in found.bands) == pytest.approx(1)
    assert found.sentence.startswith("much: population stability index")
    refused = judge(standing("4"), CHAMPION, found, Gate(largest_psi=0.25))
    assert refused.decision == "refused"
    assert judge(standing("4"), CHAMPION, found, GATE).decision == "promoted"


def test_what_a_person_must_approve_makes_no_champion_before_it_is_approved_with_a_reason():
    found = judge(standing("1"), None, None, GATE)
    assert found.promotes
    waits = held(found, "")
    assert (waits.decision, waits.promotes) == ("passes", False)
    assert "once a person approves it" in waits.sentence
    approved = held(found, "I have read its best texts")
    assert (approved.decision, approved.promotes) == (found.decision, True)
    assert approved.sentence.endswith("Approved: I have read its best texts")
    with pytest.raises(EvaluationError, match="at least 10 characters"):
        held(found, "fine")


def test_a_refused_version_is_not_approved_and_a_forced_one_needs_no_approval():
    refused = judge(standing("9"), standing("10"), None, GATE)
    assert held(refused, "I have read its best texts") == refused
    forced = judge(standing("9"), standing("10"), None, GATE, "version 10 fails in production")
    assert held(forced, "") == forced
