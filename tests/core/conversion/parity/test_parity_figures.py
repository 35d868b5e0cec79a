import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import norm

from tasks.core.base.errors import ParityError
from tasks.core.conversion.parity.gate import judge, judge_scored
from tasks.core.conversion.parity.parity_figures import LabelTargets, ModelLogits, compare_label
from tasks.core.round.conversion_section import STRICT
from tests.support.examples import examples

NAN = float("nan")
LIMIT = STRICT.displacement
TARGETS = LabelTargets(np.array([1.0, 0.6, 0.4, 1.0, NAN, 0.0]), np.array([1.0, 0.0, 1.0]))
VALIDATION, TEST = (3, 2, 1, 0, -1, -2), (2, 1, 0)


def model(parity, validation=VALIDATION, test=TEST):
    return ModelLogits(*(np.array(odds, np.float32)[:, None] for odds in (parity, validation, test)))


def compare(reference, found, scored_texts=200, targets=TARGETS, resamples=20):
    return compare_label(reference, found, 0, "multi_label", targets, scored_texts, resamples, LIMIT)


@pytest.fixture(scope="module")
def checkpoint():
    """Logits of a binary head: 5,000 parity texts and 400 rows a split, ranked well but not perfectly."""
    draw = np.random.default_rng(0)
    truth = (draw.random(400) < 0.2).astype(float)
    distinct = draw.permutation(norm.ppf(np.linspace(0.0001, 0.9999, 5000), -4, 3))
    odds = [distinct, *(4 * truth - 3 + draw.normal(0, 1.5, 400) for _ in range(2))]
    return ModelLogits(*(as_binary(values) for values in odds)), LabelTargets(truth, truth)


def as_binary(odds):
    return np.stack([-odds / 2, odds / 2], axis=1).astype(np.float32)


def with_odds(checkpoint, change):
    """A model whose log-odds are `change`d everywhere."""
    return ModelLogits(*(as_binary(change(logits[:, 1] - logits[:, 0])) for logits in vars(checkpoint[0]).values()))


def binary(checkpoint, found, resamples=50):
    return compare_label(checkpoint[0], found, 1, "binary", checkpoint[1], 20_000, resamples, LIMIT)


def judged(figures):
    """Names of the figures that fail: on the parity texts, then as if these were all that was scored."""
    verdict = judge(figures, 0.0, STRICT) + judge_scored(figures.shift, STRICT)
    return [reason.split(" is ")[0].split(" over ")[0] for reason in verdict.reasons]


def overlaps_of(figures):
    return {name: top.overlap for name, top in figures.shift.tops.items()}


def test_a_worked_example():
    found = compare(model([6, 5, 4, 3, 2, 1]), model([6, 4, 5, 3, 1, 2], (3, 2, 1, 0, -1, -2), (2, 1, 1.5)))
    assert (found.texts, found.max_logit_difference) == (6, 1.0)
    assert found.mean_logit_difference == pytest.approx(4 / 6)
    assert found.kendall_tau == found.kendall_tau_top == pytest.approx((13 - 2) / 15)
    assert found.spearman == found.spearman_top == pytest.approx(1 - 6 * 4 / (6 * 35))
    assert overlaps_of(found) == {"20": 1.0, "100": 1.0, "1000": 1.0, "1 %": 0.5}
    assert found.distinct_top == found.distinct_top_checkpoint == 6


def test_average_precision_leaves_out_blank_rows_and_counts_soft_targets_from_a_half_on():
    found = compare(model([1, 2]), model([1, 2], (3, 1, 2, 0, 9, -2), (2, 1, 1.5)))
    of_checkpoint = (1 + 1 + 3 / 4) / 3
    assert found.validation_ap == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found.validation_ap_loss == pytest.approx(of_checkpoint - found.validation_ap)
    assert found.test_ap == pytest.approx(1.0)
    assert found.test_ap_loss == pytest.approx((1 + 2 / 3) / 2 - 1)
    assert found.validation_ap_low <= found.validation_ap <= found.validation_ap_high


def test_flips_are_counted_at_the_checkpoints_best_threshold():
    found = compare(model([3, 1, 0.5, -1, -3]), model([3, -1, 0.5, 1, -3]))
    assert found.threshold == 0.5
    assert found.shift.flips == 2
    shifted = compare(model([3, 2, -3], [value + 2.5 for value in VALIDATION]), model([3, 3, -3]))
    assert shifted.threshold == pytest.approx(1 / (1 + np.exp(-2.5)))
    assert shifted.shift.flips == 1


def test_overlap_is_expected_under_random_tie_breaking():
    found = compare(model([4, 3, 2, 1]), model([1, 1, 1, 0]))
    assert overlaps_of(found)["1 %"] == pytest.approx(2 / 3)
    flat = compare(model(np.arange(200)), model(np.zeros(200)))
    assert [overlaps_of(flat)[top] for top in ("20", "100", "1 %")] == pytest.approx([0.1, 0.5, 0.01])


def test_texts_that_the_checkpoint_ties_may_stand_for_each_other():
    assert overlaps_of(compare(model([4, 3, 3, 1]), model([4, 2, 3, 1])))["1 %"] == 1.0
    assert overlaps_of(compare(model([4, 3, 3, 1]), model([4, 3, 3, 1])))["1 %"] == 1.0
    share_by_pair = {(0, 1): 1, (0, 2): 1, (0, 3): 0.5, (1, 2): 0.5, (1, 3): 0.5, (2, 3): 0.5}
    assert overlaps_of(compare(model([4, 3, 3, 1]), model([0, 0, 0, 0])))["1 %"] == pytest.approx(
        sum(share_by_pair.values()) / 6
    )


@pytest.mark.parametrize(("scored", "share"), [(50, 0.0), (149, 0.0), (300, 2 / 3), (100_000, 1.0)])
def test_one_per_cent_is_of_the_scored_texts_and_at_least_one(scored, share):
    assert overlaps_of(compare(model([4, 3, 2, 1]), model([3, 4, 1, 2]), scored))["1 %"] == pytest.approx(share)


def test_a_split_that_cannot_be_ranked_has_no_average_precision_and_stays_json():
    blank = LabelTargets(np.full(6, NAN), np.ones(3))
    found = compare(model([2, 1]), model([2, 1]), targets=blank)
    assert {value for name, value in asdict(found).items() if "_ap" in name} == {None}
    assert found.threshold == 0.5
    json.dumps(asdict(found), allow_nan=False)
    assert judge(found, 0.0, STRICT).reasons == ()


def test_equal_scores_have_no_tau_and_fail():
    found = compare(model([3, 2, 1]), model([1, 1, 1]))
    assert found.kendall_tau is found.spearman is found.kendall_tau_top is found.spearman_top is None
    json.dumps(asdict(found), allow_nan=False)
    assert judge(found, 0.0, STRICT).reasons[0] == "kendall_tau cannot be measured, at least 0.99 is needed"


def test_the_checkpoint_itself_passes(checkpoint):
    found = binary(checkpoint, checkpoint[0])
    assert overlaps_of(found) == {"20": 1.0, "100": 1.0, "1000": 1.0, "1 %": 1.0}
    assert (found.shift.flips, found.validation_ap_loss, found.test_ap_loss_low, found.test_ap_loss_high) == (
        0,
        0,
        0,
        0,
    )
    assert found.validation_ap_low < found.validation_ap < found.validation_ap_high
    assert judged(found) == []


def test_a_shuffled_top_100_is_caught_though_the_mean_error_and_tau_are_fine(checkpoint):
    odds = checkpoint[0].parity[:, 1] - checkpoint[0].parity[:, 0]
    best = np.argsort(odds)[-100:]
    odds[best] = odds[np.random.default_rng(1).permutation(best)]
    found = binary(checkpoint, replace(checkpoint[0], parity=as_binary(odds)))
    assert found.mean_logit_difference < 0.02
    assert found.kendall_tau > 0.999
    assert "displacement at 20" in judged(found)


@pytest.mark.parametrize("other", [19, 20, 600])
def test_a_swapped_pair_far_apart_is_caught_within_the_top_20_and_out_of_it(checkpoint, other):
    odds = checkpoint[0].parity[:, 1] - checkpoint[0].parity[:, 0]
    best = np.argsort(-odds)
    odds[best[[3, other]]] = odds[best[[other, 3]]]
    found = binary(checkpoint, replace(checkpoint[0], parity=as_binary(odds)))
    assert found.kendall_tau > 0.999
    assert judged(found)[0] == "displacement at 20"


def test_one_label_of_several_is_caught(checkpoint):
    good = checkpoint[0].parity[:, 1]
    bad = np.where(good > np.sort(good)[-50], good - 1, good)
    both, faulty = (np.stack([good, column], axis=1).astype(np.float32) for column in (good, bad))
    splits = [np.stack([each[:, 1]] * 2, axis=1) for each in (checkpoint[0].validation, checkpoint[0].test)]
    figures = [
        compare_label(
            ModelLogits(both, *splits),
            ModelLogits(faulty, *splits),
            column,
            "multi_label",
            checkpoint[1],
            20_000,
            5,
            LIMIT,
        )
        for column in (0, 1)
    ]
    assert judged(figures[0]) == []
    assert "displacement at 20" in judged(figures[1])


def test_a_shuffled_top_1000_is_caught_by_its_tau(checkpoint):
    odds = checkpoint[0].parity[:, 1] - checkpoint[0].parity[:, 0]
    best = np.argsort(odds)[-1000:]
    odds[best] += np.random.default_rng(1).normal(0, 0.3, 1000)
    found = binary(checkpoint, replace(checkpoint[0], parity=as_binary(odds)))
    assert found.mean_logit_difference < 0.03
    assert found.kendall_tau > 0.99
    assert "kendall_tau_top" in judged(found)


@pytest.mark.parametrize(
    "change", [lambda odds: odds + 8, lambda odds: odds * 0.1, lambda odds: odds - 0.5, lambda odds: odds * 2]
)
def test_a_model_that_ranks_the_same_but_says_other_probabilities_is_caught(checkpoint, change):
    found = binary(checkpoint, with_odds(checkpoint, change))
    assert found.kendall_tau == pytest.approx(1)
    assert "rms_error" in judged(found)


def test_a_shift_is_caught_where_few_texts_are_near_the_threshold():
    """The mean of the probability drowns in texts that nobody would take for the label."""
    draw = np.random.default_rng(3)
    odds = np.concatenate([draw.normal(-12, 1, 4_900), draw.normal(0, 1.5, 100)])
    targets = LabelTargets(np.full(400, NAN), np.full(400, NAN))
    splits = as_binary(np.zeros(400))
    reference, found = (ModelLogits(as_binary(odds + shift), splits, splits) for shift in (0, 1))
    figures = compare_label(reference, found, 1, "binary", targets, 20_000, 20, LIMIT)
    assert figures.kendall_tau == pytest.approx(1)
    assert judged(figures)[0] == "flips_beyond"


@pytest.mark.parametrize("order", ["as drawn", "best first"])
def test_a_model_that_clips_its_top_scores_is_caught_in_any_order_of_the_texts(checkpoint, order):
    odds = checkpoint[0].parity[:, 1] - checkpoint[0].parity[:, 0]
    odds = np.sort(odds)[::-1] if order == "best first" else odds
    logits = replace(checkpoint[0], parity=as_binary(odds))
    clipped = replace(logits, parity=as_binary(np.minimum(odds, np.sort(odds)[-500])))
    found = binary((logits, checkpoint[1]), clipped)
    assert overlaps_of(found) == pytest.approx({"20": 20 / 500, "100": 100 / 500, "1000": 1.0, "1 %": 200 / 500})
    assert (found.distinct_top, found.distinct_top_checkpoint) == (501, 1000)
    assert {f"displacement at {top}" for top in ("20", "100", "1 %")} | {"distinct_share"} < set(judged(found))


def test_a_model_that_is_certain_of_its_top_keeps_its_order_and_fails_by_its_scores(checkpoint):
    found = binary(checkpoint, with_odds(checkpoint, lambda odds: 50 * odds))
    assert found.kendall_tau == pytest.approx(1)
    assert "distinct_share" in judged(found)


def test_swapped_columns_are_caught_by_every_rank_figure(checkpoint):
    found = binary(checkpoint, ModelLogits(*(logits[:, ::-1] for logits in vars(checkpoint[0]).values())))
    assert found.kendall_tau == pytest.approx(-1)
    names = {
        "kendall_tau",
        "kendall_tau_top",
        "displacement at 20",
        "regret at 1 %",
        "validation_ap_loss",
        "test_ap_loss",
    }
    assert names < set(judged(found))


@pytest.mark.parametrize("split", ["parity", "validation", "test"])
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_logits_that_are_not_finite_are_refused_by_split_and_text(split, value):
    broken = model([3, 2, 1])
    getattr(broken, split)[1, 0] = value
    message = f"{split}: the variant gives .* for 1 of . texts, first for number 1"
    with pytest.raises(ParityError, match=message):
        compare(model([3, 2, 1]), broken)
    with pytest.raises(ParityError, match=f"{split}: the checkpoint gives"):
        compare(broken, model([3, 2, 1]))


def test_other_shapes_are_refused():
    with pytest.raises(ParityError, match=r"parity: the variant gives logits of shape \(2, 1\), its checkpoint \(3, 1"):
        compare(model([3, 2, 1]), model([3, 2]))
    with pytest.raises(ParityError, match=r"test: targets of shape \(3,\) for 2 rows"):
        compare(model([3, 2], test=(1, 0)), model([3, 2], test=(1, 0)))
    with pytest.raises(ParityError, match="there are no texts"):
        compare(model([]), model([]))


def flat(figures, prefix=""):
    """Nested figures by dotted names."""
    nested = [(f"{prefix}{name}", value) for name, value in figures.items()]
    parts = [flat(value, f"{name}.") if isinstance(value, dict) else {name: value} for name, value in nested]
    return {name: value for part in parts for name, value in part.items()}


odds_pairs = arrays.arrays(np.float32, st.tuples(st.integers(1, 60), st.just(2)), elements=st.integers(-4, 4))


@settings(max_examples=examples(60))
@given(odds_pairs, st.randoms(use_true_random=False), st.integers(1, 5000))
def test_the_order_of_the_texts_does_not_matter(odds, shuffler, scored):
    rows = list(range(len(odds)))
    shuffler.shuffle(rows)
    first = compare(model(odds[:, 0]), model(odds[:, 1]), scored, resamples=2)
    second = compare(model(odds[rows, 0]), model(odds[rows, 1]), scored, resamples=2)
    one, other = (flat(asdict(figures)) for figures in (first, second))
    for name, value in one.items():
        assert other[name] == (value if value is None else pytest.approx(value, abs=1e-12)), name


@settings(max_examples=examples(60))
@given(odds_pairs, st.integers(1, 5000))
def test_a_model_follows_itself_whatever_its_ties(odds, scored):
    found = compare(model(odds[:, 0]), model(odds[:, 0]), scored, resamples=2)
    assert found.kendall_tau is None or found.kendall_tau == pytest.approx(1)
    assert overlaps_of(found) == pytest.approx(dict.fromkeys(found.shift.tops, 1.0))
    assert (found.shift.flips, found.validation_ap_loss, found.test_ap_loss_high) == (0, 0, 0)
    assert all(share <= 1 + 1e-9 for share in overlaps_of(found).values())


@settings(max_examples=examples(60))
@given(odds_pairs, st.integers(1, 5000))
def test_overlap_is_a_share(odds, scored):
    shares = overlaps_of(compare(model(odds[:, 0]), model(odds[:, 1]), scored, resamples=2)).values()
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in shares)
