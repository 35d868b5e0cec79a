"""What the engines' benchmark makes of its rates: the winner's ratios, its share of the ceiling, the hard goal."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.ceiling import format_of
from tests.benchmarks.measured import Measured
from tests.benchmarks.turns import Rates, paired_ratio

OLD_INT8 = "one-text-a-call-onnxruntime-int8"
OLD_FP32 = "one-text-a-call-onnxruntime-fp32"
PIPELINE = "transformers-pipeline-32"
TOKENISING = "tokenising"
FROM_TEXTS = "winner-from-texts"
OLD_WAYS = {OLD_INT8: "int8", OLD_FP32: "fp32", PIPELINE: "fp32"}
"""With their number formats."""
CEILINGS = ("fp32", "bf16", "int8")


@dataclass(frozen=True)
class Turns:
    """One model's measurements."""

    measured: Measured
    rates: Rates
    """Texts a second of each way; GFLOP/s of each number format."""
    flops: float
    """Of a pass over one of the timed texts, on average."""

    def over(self, one: str, other: str) -> float:
        """Return how many times faster one way is than another."""
        return paired_ratio(self.rates[one], self.rates[other])

    def share(self, name: str, number_format: str) -> float:
        """Return a way's share of the ceiling of a number format."""
        return self.over(name, number_format) * self.flops / 1e9

    def median(self, name: str) -> float:
        """Return a way's rate."""
        return float(np.median(self.rates[name]))


def figures(turns: Turns) -> dict[str, Any]:
    """Return all figures of one model."""
    return {
        **_winner(turns),
        **_int8(turns),
        "convert_core_minutes": turns.measured.core_minutes,
        "old_ways": {name: _turns(turns, name, number_format) for name, number_format in OLD_WAYS.items()},
        "tokenising_texts_per_second_per_core": turns.median(TOKENISING),
        "winner_from_texts_per_second_per_core": turns.median(FROM_TEXTS),
        "gigaflop_per_text": turns.flops / 1e9,
        "ceilings_gigaflop_per_second": {name: turns.median(name) for name in CEILINGS if name in turns.rates},
        "best_ceilings_gigaflop_per_second": {name: max(turns.rates[name]) for name in CEILINGS if name in turns.rates},
        "limits": turns.measured.report["limits"],
        "variants": [_variant(turns, record) for record in turns.measured.report["variants"]],
    }


def _winner(turns: Turns) -> dict[str, Any]:
    name = turns.measured.report["serves"]
    return {
        "winner": name,
        "winner_over_old_way": turns.over(name, OLD_INT8),
        "winner_over_old_way_fp32": turns.over(name, OLD_FP32),
        "winner_over_pipeline": turns.over(FROM_TEXTS, PIPELINE),
        "share_of_ceiling": turns.share(name, _format(turns, name)),
    }


def _int8(turns: Turns) -> dict[str, Any]:
    """Return the hard goal's figures; those of the fastest int8 variant at all tell by what margin it is missed."""
    records = [record for record in turns.measured.report["variants"] if record["variant"] in turns.rates]
    int8 = [record for record in records if _format(turns, record["variant"]) == "int8"]
    passing = _fastest(turns, [record["variant"] for record in int8 if record["passes"]])
    fastest = _fastest(turns, [record["variant"] for record in int8])
    return {
        "int8_that_passes": passing,
        "int8_over_old_way": turns.over(passing, OLD_INT8) if passing else None,
        "fastest_int8": fastest,
        "fastest_int8_over_old_way": turns.over(fastest, OLD_INT8) if fastest else None,
    }


def _fastest(turns: Turns, names: list[str]) -> str | None:
    return max(names, key=turns.median, default=None)


def _format(turns: Turns, name: str) -> str:
    return format_of(turns.measured.files[name][1])


def _variant(turns: Turns, record: dict[str, Any]) -> dict[str, Any]:
    """Add what was measured in turns to a variant's record of the conversion."""
    name = record["variant"]
    if record["tried"]:
        label = next(iter(record["labels"]))
        top = record["scored"].get(label, record["labels"][label]["shift"])["tops"]["100"]
        record |= {"displacement_100": top["displacement"], "regret_100": top["regret"]}
    return record | ({"turns": _turns(turns, name, _format(turns, name))} if name in turns.rates else {})


def _turns(turns: Turns, name: str, number_format: str) -> dict[str, Any]:
    return {
        "texts_per_second_per_core": turns.median(name),
        "over_old_way": turns.over(name, OLD_INT8),
        "number_format": number_format,
        "share_of_ceiling": turns.share(name, number_format),
        "by_round": turns.rates[name],
    }
