"""Selection, comparison and pictures over seeds whose predictions lie on disk."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.base.errors import TrainingError
from tasks.core.base.markdown import markdown_table
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.pictures import draw_pictures
from tasks.core.training.seeds.selection import select_seed
from tests.support.finished_seeds import finish


def test_the_best_on_validation_wins_and_the_record_says_by_how_much(plans):
    seeds = plans(3)
    for plan, noise in zip(seeds, (0.95, 0.3, 0.999), strict=True):
        finish(plan, noise)
    selection = select_seed(seeds, {})
    assert selection.winner.result.seed == 2
    assert selection.winner.validation.low <= selection.winner.value <= selection.winner.validation.high
    record = json.loads(json.dumps(selection.record()))
    assert record["winner"]["seed"] == 2
    assert record["winner"]["interval"]["low"] <= record["winner"]["value"]
    assert [seed["seed"] for seed in record["seeds"]] == [1, 2, 3]
    assert [row["selected"] for row in selection.table()][1] == "winner"
    assert 2 in selection.tied_seeds
    assert 3 not in selection.tied_seeds


def test_figures_are_not_rounded_and_equal_ones_go_to_the_lower_loss_then_seed(plans):
    seeds = plans(3)
    finish(seeds[0], 0.0, shift=0.3)
    finish(seeds[1], 0.0)
    finish(seeds[2], 0.0)
    selection = select_seed(seeds, {})
    assert {candidate.value for candidate in selection.candidates} == {1.0}
    assert selection.winner.result.seed == 2
    assert selection.tied_seeds == [1, 2, 3]


def test_a_missing_seed_fails_and_is_named_with_its_reason(plans):
    seeds = plans(3)
    for plan in seeds[:2]:
        finish(plan, 0.5)
    with pytest.raises(TrainingError, match=r"2 finished seeds of 3, but needs 3.*\n  seed 3: out of memory\n"):
        select_seed(seeds, {3: "out of memory"})


def test_fewer_seeds_are_enough_when_the_round_says_so_and_the_lost_one_is_named(plans):
    seeds = plans(3, minimum_seeds=2)
    for plan in seeds[1:]:
        finish(plan, 0.5)
    selection = select_seed(seeds, {1: "out of memory"})
    assert selection.failed == {1: "out of memory"}
    assert selection.record()["failed_seeds"] == {"1": "out of memory"}
    assert selection.table()[-1]["selected"] == "failed: out of memory"


def test_fewer_than_the_minimum_fail(plans):
    seeds = plans(3, minimum_seeds=2)
    finish(seeds[0], 0.5)
    with pytest.raises(TrainingError, match="1 finished seeds of 3, but needs 2"):
        select_seed(seeds, {})


def test_where_lower_is_better_the_lowest_wins(plans):
    seeds = plans(2, metric="brier")
    finish(seeds[0], 0.2)
    finish(seeds[1], 0.6)
    selection = select_seed(seeds, {})
    assert selection.winner.result.seed == 1
    assert selection.winner.winners_lead.low == 0


@pytest.mark.slow
def test_the_table_has_document_001s_form_and_its_figures_are_the_seeds(plans):
    seeds = plans(3)
    for plan in seeds:
        finish(plan, 0.7)
    selection = select_seed(seeds, {})
    comparison = compare_models(selection, "tiny")
    rows = comparison.rows()
    assert list(rows[0]) == ["label", "Models", "F1", "P", "R", "AP"]
    winner = selection.winner.result.seed
    assert [row["Models"] for row in rows] == [
        "Random", "TF-IDF + logistic regression", "tiny, 3 seeds", f"tiny, selected seed {winner}",
        "tiny, mean probability of 3 seeds",
    ]  # fmt: skip
    values = [100 * candidate.result.metrics["test_average_precision"] for candidate in selection.candidates]
    assert rows[2]["AP"] == f"{np.mean(values):.2f} ({np.std(values, ddof=1):.2f})"
    assert rows[3]["AP"] == f"{values[winner - 1]:.2f}"
    assert rows[0]["AP"] != rows[1]["AP"]
    assert float(rows[4]["AP"].split()[0]) >= min(values)
    assert comparison.baselines["tfidf"]["test_average_precision"] == pytest.approx(
        comparison.tables["positive"][1].mean["average_precision"]
    )
    assert "| label    | Models" in markdown_table(rows)
    assert json.loads(json.dumps(comparison.record()))["results"]["positive"][2]["runs"] == 3


@pytest.mark.slow
def test_chance_finds_the_share_of_true_rows(plans):
    seeds = plans(2)
    for plan in seeds:
        finish(plan, 0.7)
    comparison = compare_models(select_seed(seeds, {}), "tiny")
    share = np.mean(read_split(seeds[0].splits.path, ["positive"], "test").targets)
    assert comparison.tables["positive"][0].mean["precision"] == pytest.approx(share, abs=0.05)


def test_pictures_of_a_study(plans, tmp_path):
    seeds = plans(3)
    for plan in seeds:
        finish(plan, 0.7)
    pictures = dict(draw_pictures(select_seed(seeds, {})))
    assert set(pictures) == {"seeds.png", "learning_curves.png", "precision_recall.png", "reliability.png"}
    for name, picture in pictures.items():
        picture.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5_000
    legend = [text.get_text() for text in pictures["seeds.png"].axes[0].get_legend().get_texts()]
    assert any(text.startswith("selected seed") for text in legend)


@pytest.mark.slow
def test_one_seed_has_no_deviation_and_no_row_of_several(plans):
    seeds = plans(1)
    finish(seeds[0], 0.0)
    comparison = compare_models(select_seed(seeds, {}), "tiny")
    rows = {row["Models"]: row for row in comparison.rows()}
    assert list(rows) == ["Random", "TF-IDF + logistic regression", "tiny, selected seed 1"]
    assert rows["tiny, selected seed 1"]["AP"] == "100.00"
    assert "ensemble" not in comparison.baselines


@pytest.mark.slow
def test_texts_without_words_cost_the_words_baseline_its_row_and_nothing_else(plans):
    seeds = plans(2)
    for plan in seeds:
        finish(plan, 0.7)
    whole = pq.read_table(seeds[0].splits.path)
    faces = pa.array(["😀" * (number % 5 + 1) for number in range(len(whole))])
    pq.write_table(whole.set_column(whole.schema.get_field_index("text"), "text", faces), seeds[0].splits.path)
    comparison = compare_models(select_seed(seeds, {}), "tiny")
    assert "TF-IDF + logistic regression" not in [row["Models"] for row in comparison.rows()]
    assert len(comparison.rows()) == 4
    assert set(comparison.baselines) == {"random", "ensemble"}
    assert "no words" in comparison.record()["left_out"]["tfidf"]
