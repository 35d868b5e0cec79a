"""What a round of the simulated loop is worth on unseen texts, and what all rounds come to in a table."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.core.corpus.labelled.label_snapshot import read_snapshot
from tasks.core.corpus.labelled.rows import target_column
from tasks.core.metrics.figures import label_figures
from tasks.core.round.model import Round
from tests.benchmarks.loop_model import LoopModel, column
from tests.benchmarks.loop_texts import LABELS, targets

RANKING = ("precision_at_20", "precision_at_50", "average_precision")
FOUND = ("expansion", "expansion_true", "positives_found")
BOUGHT = ("labels_bought", "texts_bought")
DIGITS = 4
Figures = dict[str, Any]


def figures_of(round_: Round, model: LoopModel, unseen: pa.Table) -> Figures:
    """Return a round's figures: of each label, and what was bought until its model was trained."""
    truth, scores = targets(unseen), model.scores("unseen")
    ranking = {name: label_figures(name, truth, scores, scores >= 0.5) for name in RANKING}
    snapshots = [read_snapshot(folder) for folder in round_.labelled_data.added]
    labels = {}
    for place, label in enumerate(LABELS):
        threshold = model.threshold(round_, label)
        above = np.full(len(truth), False) if threshold is None else column(scores, label) >= threshold
        ranked: Figures = {name: values[place] for name, values in ranking.items()}
        labels[label] = ranked | {
            "threshold": threshold,
            "expansion": None if threshold is None else int(above.sum()),
            "expansion_true": None if threshold is None else int(truth[above, place].sum()),
            "positives_found": sum(_answers(table, label).count(1) for table in snapshots),
            "labels_bought": sum(len(_answers(table, label)) for table in snapshots),
        }
    return {"labels": labels, "texts_bought": sum(len(table) for table in snapshots)}


def _answers(table: pa.Table, label: str) -> list[int]:
    """Return a snapshot's answers to one label."""
    name = target_column(label)
    found: list[int] = table[name].drop_null().to_pylist() if name in table.column_names else []
    return found


def rounds_of(arms: dict[str, list[list[Figures]]]) -> list[Figures]:
    """Return a line for each method and round: over labels the mean, or the sum; over repetitions mean and range."""
    lines = []
    for method, repetitions in arms.items():
        for number, of_round in enumerate(zip(*repetitions, strict=True)):
            lines.append({"method": method, "round": number} | _spread([over_labels(found) for found in of_round]))
    return lines


def over_labels(found: Figures) -> dict[str, float | None]:
    """Return the mean of what ranks, and the sums of what was found and bought."""
    labels = list(found["labels"].values())
    figures: dict[str, float | None] = {name: float(np.mean([one[name] for one in labels])) for name in RANKING}
    figures |= {name: _sum(one[name] for one in labels) for name in (*FOUND, "labels_bought")}
    return figures | {"texts_bought": found["texts_bought"]}


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known, or None where nothing is: labels without a threshold have no expansion."""
    known = [value for value in values if value is not None]
    return float(sum(known)) if known else None


def _spread(repetitions: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    line: dict[str, Any] = {}
    for name in repetitions[0]:
        known = [value for one in repetitions if (value := one[name]) is not None]
        line[name] = round(float(np.mean(known)), DIGITS) if known else None
        line[f"{name}_range"] = [round(edge(known), DIGITS) for edge in (min, max)] if known else None
    return line


def over_random(arms: dict[str, list[list[Figures]]], baseline: str) -> Figures:
    """Return how far each method is above the baseline in the last round, and in how many labels and repetitions.

    A repetition's arms share start, pool and unseen texts: each is compared with the baseline of its own repetition.
    """
    last = {method: [rounds[-1] for rounds in repetitions] for method, repetitions in arms.items()}
    against = last.pop(baseline, [])
    return {method: _over(found, against) for method, found in last.items() if against}


def _over(found: list[Figures], against: list[Figures]) -> Figures:
    pairs = list(zip(found, against, strict=True))
    means = [(over_labels(ours), over_labels(theirs)) for ours, theirs in pairs]
    line = _spread([{name: _difference(ours[name], theirs[name]) for name in RANKING} for ours, theirs in means])
    above = [
        ours["labels"][label]["average_precision"] > theirs["labels"][label]["average_precision"]
        for ours, theirs in pairs
        for label in LABELS
    ]
    return line | {"labels_and_repetitions": len(above), "average_precision_above": sum(above)}


def _difference(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def markdown(lines: list[Figures], over: Figures) -> str:
    """Return rounds, and what is above the baseline, as tables of Markdown; in brackets the least and the most."""
    columns = (*RANKING, *FOUND, *BOUGHT)
    head = ["method", "round", *(_words(name) for name in columns)]
    rows = [[line["method"], str(line["round"]), *(_cell(line, name) for name in columns)] for line in lines]
    above = [[method, *(_cell(line, name) for name in RANKING), _share(line)] for method, line in over.items()]
    return _table(head, rows) + "\n" + _table(["above random", *(_words(name) for name in RANKING), "AP above"], above)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])


def _share(line: Figures) -> str:
    return f"{line['average_precision_above']} of {line['labels_and_repetitions']}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(line: Figures, name: str) -> str:
    if line[name] is None:
        return ""
    written = "{:.3f}" if name in RANKING else "{:,.0f}"
    low, high = line[f"{name}_range"]
    middle = written.format(line[name])
    return middle if low == high else f"{middle} ({written.format(low)} to {written.format(high)})"
