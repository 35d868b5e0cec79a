import copy
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from tasks.core.base.shown_table import shown_table
from tasks.core.conversion.parity.parity_figures import LabelFigures
from tasks.core.conversion.parity.parity_report import bound_of, parity_markdown
from tasks.core.conversion.parity.parity_scatter import draw_scatter
from tasks.core.conversion.parity.parity_shown import ranking_rows, reasons, verdict_rows
from tasks.core.conversion.parity.parity_table import parity_rows
from tasks.core.conversion.parity.parity_warnings import warnings_of
from tasks.core.round.conversion_section import STRICT
from tests.support.label_figures import FIGURES, SHIFT

REASONS = ["kendall_tau is 0.91, at least 0.99 is needed", "displacement at 20 is 0.5, at most 0.1 is allowed"]

RETRAINED = asdict(replace(FIGURES, kendall_tau=0.62, shift=replace(SHIFT, rms_error=0.416)))


def variant(name, speed, reasons=(), **changes):
    return {
        "variant": name, "tried": True, "not_tried": None, "passes": not reasons,
        "reasons": {"positive": list(reasons)}, "labels": {"positive": asdict(FIGURES) | changes},
        "scored": {} if reasons else {"positive": asdict(replace(SHIFT, texts=16_004))}, "near_limit": {},
        "batch_variance": 0.0, "padding_variance": 0.00123,
        "texts_per_second_per_core": speed, "peak_memory_mebibytes": 512, "file_mebibytes": 90.12,
    }  # fmt: skip


@pytest.fixture
def report():
    return copy.deepcopy(
        {
            "limits": asdict(STRICT), "preset": "strict", "serves": "openvino-bf16",
            "scored_texts": 20_000, "parity_texts": 5_000,
            "variants": [
                variant("openvino-int8", 300.0, REASONS, kendall_tau=0.91),
                variant("openvino-bf16", 230.4),
                variant("onnxruntime-fp32", 80.0),
                {"variant": "onnxruntime-cuda-fp16", "tried": False, "not_tried": "this machine has no CUDA device"},
            ],
            "retraining": {"seeds": [3, 1], "labels": {"positive": RETRAINED}},
            "seeds": [
                {"seed": 3, "selected": True, "variant": "openvino-bf16", "validation_ap": 0.91, "note": ""},
                {"seed": 1, "selected": False, "variant": "openvino-bf16", "validation_ap": 0.905, "note": "tied"},
            ],
        }
    )  # fmt: skip


def test_what_moves_over_all_scored_texts_stands_beside_those_that_may_serve(report):
    rows = parity_rows(report, "positive")
    assert [row["judged on"] for row in rows] == ["5000 texts", "16004 texts", "16004 texts", "", "5000 texts"]


def test_what_retraining_moves_is_the_yardstick(report):
    assert [row["of retraining"] for row in parity_rows(report, "positive")] == ["1/40", "1/40", "1/40", "", ""]
    report["retraining"]["labels"]["positive"]["shift"]["rms_error"] = 0.0052
    assert parity_rows(report, "positive")[1]["of retraining"] == "2.00"


def few(report, size, texts):
    """Let the variant that serves be compared on `texts` texts, of which the best 1000 are `size`."""
    figures, scored = report["variants"][1]["labels"]["positive"], report["variants"][1]["scored"]["positive"]
    scored["tops"]["1000"]["size"] = size
    scored["texts"] = figures["texts"] = texts


@pytest.mark.parametrize(
    ("size", "texts", "overlap", "displacement", "tau_top"),
    [
        (566, 566, "not measured", "not measured", "not measured"),
        (1_000, 1_000, "not measured", "not measured", "not measured"),
        (1_000, 1_001, "not measured", "0.038", "0.9710"),
        (1_000, 1_999, "not measured", "0.038", "0.9710"),
        (1_000, 2_000, "0.985", "0.038", "0.9710"),
    ],
)
def test_of_too_few_texts_a_best_k_is_not_measured(report, size, texts, overlap, displacement, tau_top):
    few(report, size, texts)
    row = parity_rows(report, "positive")[1]
    assert [row[name].split(", ")[2] for name in ("overlap", "near-ties kept")] == (
        ["not measured"] * 2 if overlap == "not measured" else ["0.985", "1.000"]
    )
    assert row["overlap"].split(", ")[:2] == ["1.000", "0.990"]
    assert row["displacement 20, 100, 1000, 1 %"].split(", ")[2] == displacement
    assert row["tau top 1000"] == tau_top
    assert any("best 1000" in told for told in warnings_of(report, "positive")) == (overlap == "not measured")


def test_too_few_texts_are_warned_of_with_what_gives_more(report):
    assert warnings_of(report, "positive") == []
    few(report, 566, 566)
    of_overlap, of_tau = warnings_of(report, "positive")
    assert "overlap of the best 1000: not measured, for 566 texts are too few" in of_overlap
    assert "conversion.scored_texts" in of_overlap
    assert "conversion.parity_texts" in of_tau
    assert f"**Warning:** {of_overlap}\n\n**Warning:** {of_tau}\n" in parity_markdown(report)


def test_the_bound_says_over_which_texts_and_at_which_confidence(report):
    assert bound_of(report, "positive") == (
        "positive: of 16004 scored texts none changes sides of a best k from farther than 0.038 log-odds, and 0 of "
        "the threshold from farther than 0.1. At 95 % confidence at most 0.02% of the sample's distinct texts would "
        "cross an edge of a best k from farther than 0.1, and 0.02% the threshold; edges are taken as they are. It "
        "moves log-odds by 1/40 of what retraining does."
    )
    assert bound_of(report, "positive") in parity_markdown(report)
    report["variants"][1]["scored"]["positive"]["flips_beyond"] = 5
    assert "and 0.07% the threshold" in bound_of(report, "positive")
    assert not bound_of(report | {"serves": "onnxruntime-cuda-fp16"}, "positive")


def test_a_verdict_near_the_limit_says_so(report):
    report["variants"][0]["near_limit"] = report["variants"][1]["near_limit"] = {"positive": ["displacement at 100"]}
    rows = parity_rows(report, "positive")
    assert rows[0]["verdict"].endswith("(and 1 more), near the limit")
    assert rows[1]["verdict"] == "passes, near the limit: displacement at 100"


def title(report):
    return parity_markdown(report).splitlines()[0]


def test_a_row_a_variant_and_retraining_alone_last(report):
    rows = parity_rows(report, "positive")
    assert [row["variant"] for row in rows] == [
        "openvino-int8", "openvino-bf16", "onnxruntime-fp32", "onnxruntime-cuda-fp16", "retraining alone (seeds 3, 1)",
    ]  # fmt: skip
    assert [row["serves"] for row in rows] == ["", "serves", "", "", ""]
    assert [row["verdict"] for row in rows] == [
        f"fails: {REASONS[0]} (and 1 more)", "passes", "passes", "not tried: this machine has no CUDA device", "",
    ]  # fmt: skip
    assert len({tuple(row) for row in rows}) == 1
    assert all(isinstance(cell, str) for row in rows for cell in row.values())


def test_the_cells_are_short_and_give_intervals(report):
    row = parity_rows(report, "positive")[1]
    assert list(row.values()) == [
        "openvino-bf16", "serves", "passes", "0.9981", "0.9710",
        "16004 texts", "1/40", "0.0021, 0.012, 0.038, 0.021", "1e-06, 2e-06, 3e-06, 2e-06",
        "1.000, 0.990, 0.985, 0.995", "1.000, 1.000, 1.000, 1.000",
        "0.01", "0.051", "-0.0005", "7, of them beyond the limit 0", "998 of 1000",
        "0.9123 (0.8800 to 0.9400)", "+0.0012 (-0.0003 to +0.0019)",
        "0.9123 (0.8800 to 0.9400)", "+0.0012 (-0.0003 to +0.0019)",
        "0", "0.0012", "230", "512", "90.1",
    ]  # fmt: skip
    retraining = parity_rows(report, "positive")[-1]
    assert (retraining["tau"], retraining["texts/s/core"]) == ("0.6200", "")


def test_what_cannot_be_measured_is_said(report):
    names = [field.name for field in fields(LabelFigures) if "_ap" in field.name or "kendall" in field.name]
    report["variants"][1]["labels"]["positive"] |= dict.fromkeys(names)
    row = parity_rows(report, "positive")[1]
    assert {row[name] for name in ("tau", "tau top 1000", "validation AP", "test AP loss")} == {"not measurable"}


def test_a_variant_that_fails_on_another_label_says_so_here(report):
    report["variants"][0]["reasons"] = {"positive": [], "joy": REASONS}
    assert parity_rows(report, "positive")[0]["verdict"] == "fails: on joy"


def test_without_retraining_there_is_no_such_row(report):
    report["retraining"] = None
    assert parity_rows(report, "positive")[-1]["variant"] == "onnxruntime-cuda-fp16"


def test_the_title_says_what_serves_and_why(report):
    assert title(report) == "# openvino-bf16 serves, at 230 texts/s/core: the fastest of the 2 that pass"
    report["serves"] = "onnxruntime-fp32"
    assert title(report).endswith("at 80 texts/s/core, although openvino-bf16 passes, too, and is faster at 230")
    report["variants"][1]["passes"] = False
    assert title(report).endswith("at 80 texts/s/core: the only variant that passes")
    report["serves"] = "openvino-bf16"
    assert title(report) == "# openvino-bf16 serves, although it does not pass"
    report["serves"] = None
    assert title(report) == "# Nothing serves: no variant passes"


def test_the_markdown_gives_limits_tables_and_every_reason(report):
    shown = parity_markdown(report)
    assert "Limits (strict): kendall_tau at least 0.99, kendall_tau_top at least 0.95" in shown
    assert "regret at most 0.001, flips_beyond at most 0.0005, probability_shift at most 0.002" in shown
    assert "5000 texts that hold the top of 20000 scored ones" in shown
    assert "## positive\n\n| variant " in shown
    assert all(f"- openvino-int8, positive: {reason}" in shown for reason in REASONS)


def test_nothing_is_said_of_failures_and_seeds_where_there_are_none(report):
    report["variants"], report["seeds"] = report["variants"][1:], []
    shown = parity_markdown(report)
    assert "Why variants fail" not in shown
    assert "Seeds as shipped" not in shown


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (0.905, "The selected seed 3 is the best as shipped."),
        (0.91, "The selected seed 3 is the best as shipped."),
        (None, "The selected seed 3 is the best as shipped."),
        (0.92, "Seed 1 is better as shipped than the selected seed 3: validation AP 0.9200 against 0.9100."),
    ],
)
def test_the_seeds_say_which_is_best_as_shipped(report, other, sentence):
    report["seeds"].reverse()
    report["seeds"][0]["validation_ap"] = other
    assert parity_markdown(report).rstrip().endswith(sentence)


def test_a_selected_seed_without_a_figure_is_said_to_have_none(report):
    report["seeds"][0]["validation_ap"] = None
    assert "The selected seed's validation AP as shipped was not measured." in parity_markdown(report)


def test_a_panel_a_variant_with_its_errors(tmp_path):
    reference = np.random.default_rng(0).normal(size=300)
    found = {name: reference + shift for shift, name in enumerate(["a", "b", "c", "d"])}
    figure = draw_scatter("positive", reference, found)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d"]
    every, best = (points.get_offsets() for points in figure.axes[2].collections)
    np.testing.assert_allclose(every[:, 1], 2)
    assert len(best) == 100
    assert best[:, 0].min() >= np.sort(reference)[-100]
    figure.savefig(tmp_path / "scatter.png")


def test_on_a_screen_the_verdicts_come_first_and_nothing_is_cut_off(report):
    rows = verdict_rows(report, "positive")
    assert [next(iter(row.items())) for row in rows] == [
        ("verdict", verdict) for verdict in ("fails", "serves", "passes", "not tried", "")
    ]
    assert reasons(report, "positive") == [
        f"openvino-int8 fails: {REASONS[0]} (and 1 more)",
        "onnxruntime-cuda-fp16 not tried: this machine has no CUDA device",
    ]
    for table in (rows, ranking_rows(report, "positive")):
        shown = shown_table(table)
        assert (shown.rows, shown.notes, shown.is_cut_off) == (table, [], False)
    moved = parity_rows(report, "positive")[1]["displacement 20, 100, 1000, 1 %"].split(", ")
    assert rows[1]["moves at most"] == max((cell for cell in moved if cell != "not measured"), key=float)
