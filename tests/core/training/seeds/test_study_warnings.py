"""What a person is told before believing a study's figures."""

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.corpus.labelled.label_report import read_label_report
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.selection import select_seed
from tasks.core.training.seeds.study_warnings import (
    length_warnings,
    selection_warnings,
    split_warnings,
    values_by_split,
)
from tests.support.finished_seeds import finish


def warnings_of(seeds):
    selection = select_seed(seeds, {})
    return selection_warnings(selection, compare_models(selection, "tiny"))


def test_a_baseline_ahead_of_the_selected_seed_is_warned_of_on_the_rows_where_it_is(plans):
    seeds = plans(2)
    for plan in seeds:
        finish(plan, 0.3)
    selection = select_seed(seeds, {})
    compared = compare_models(selection, "tiny")
    own, names = selection.winner.result.metrics, ("validation_average_precision", "test_average_precision")
    assert [name for name in names if name in compared.baselines["tfidf"]] == [*names]
    for figures, told in (
        ({name: own[name] for name in names}, []),
        ({names[0]: own[names[0]], names[1]: own[names[1]] + 1e-9}, ["positive, test rows"]),
        ({names[0]: own[names[0]] + 1e-9}, ["positive, validation rows"]),
    ):
        beside = replace(compared, baselines=compared.baselines | {"tfidf": figures})
        assert [warning.split(":")[0] for warning in selection_warnings(selection, beside)] == told


def test_a_round_judged_by_another_figure_is_compared_by_both(plans):
    seeds = plans(2, metric="brier")
    for plan in seeds:
        finish(plan, 0.999)
    told = warnings_of(seeds)
    assert any("positive, test rows: TF-IDF" in one and "average precision" in one for one in told)
    assert any("validation rows: TF-IDF" in one and "brier" in one for one in told)


def test_splits_of_other_shares_are_warned_of_once_a_label(plans):
    report = read_label_report(Path(plans(1)[0].splits.report_path))
    assert split_warnings(report) == []
    assert sum(sum(values_by_split(report, "positive")[split]) for split in report["rows"]) == 120
    few = {"train": (60, 20), "validation": (2, 18), "test": (6, 14)}
    moved = {
        kind: {"positive": {split: values[place] for split, values in few.items()}}
        for place, kind in enumerate(("positives", "negatives"))
    }
    (told,) = split_warnings(report | moved)
    assert told.startswith("positive: the splits' shares")
    assert "train 75.0% of 80, validation 10.0% of 20, test 30.0% of 20" in told
    assert split_warnings({name: value for name, value in (report | moved).items() if name != "negatives"}) == []


def test_cut_texts_are_warned_of_with_their_share_and_the_length_that_cuts_less(plans):
    """The longest of the texts has 23 tokens, and the base model reads 64."""
    assert length_warnings(plans(1, max_length_tokens=32)[0]) == []
    (told,) = length_warnings(plans(1, max_length_tokens=16)[0])
    found = re.fullmatch(
        r"positive: ([\d.]+)% of the labelled texts are cut at 16 tokens, and their ends not seen; "
        r"training.max_length_tokens: 24 would cut 0.0%\.",
        told,
    )
    assert 5 < float(found[1]) < 60


def test_where_the_base_model_reads_no_more_a_longer_one_is_named_as_the_remedy(plans):
    (plan,) = plans(1, max_length_tokens=64)
    table = pq.read_table(plan.splits.path)
    longer = pa.array([f"{text} good" + " bad" * 70 for text in table["text"].to_pylist()])
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", longer), plan.splits.path)
    (told,) = length_warnings(plan)
    assert "100.0% of the labelled texts are cut at 64 tokens" in told
    assert "the base model reads no more tokens" in told


def test_one_seed_is_said_to_show_no_spread_and_two_are_not(plans):
    seeds = plans(2)
    for plan in seeds:
        finish(plan, 0.0)
    assert warnings_of(seeds) == []
    (told,) = warnings_of(seeds[:1])
    assert told.startswith("positive: seed 1 is the only one.")
