"""Leave some of the drawn texts out at random, and keep of each how probable it was to stay.

A text's probability is multiplied at every step by the chance that it had in that step, given what was there before it.
The product is what a Horvitz-Thompson estimate divides by: the estimate is then unbiased for all rows that the first
step drew from and that were not labelled before, those left out by caps included (a draw in several phases).

Which texts stay follows from a keyed hash of their ids: the same key gives the same draw on any machine, and keys of
different steps draw independently of each other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.runs.parts import ID_COLUMN
from tasks.core.screening.draws import places

CHANCE = "inclusion_probability"


def keep(table: pa.Table, chosen: NDArray[np.bool_], chance: NDArray[np.float64]) -> pa.Table:
    """Return the chosen rows, their probabilities multiplied by the chance that each had."""
    column = table.column_names.index(CHANCE)
    probabilities = table[CHANCE].to_numpy() * chance
    return table.set_column(column, CHANCE, pa.array(probabilities)).filter(pa.array(chosen))


def keep_of_groups(table: pa.Table, groups: Sequence[Any] | NDArray[Any], most: int, key: str) -> pa.Table:
    """Return the rows with at most so many of each group, drawn evenly; a row whose group is None stays."""
    order = np.argsort(places(table[ID_COLUMN], key), kind="stable")
    members: dict[Any, list[int]] = {}
    for place in order.tolist():
        if groups[place] is not None:
            members.setdefault(groups[place], []).append(place)
    chosen, chance = np.ones(len(table), bool), np.ones(len(table))
    for own in members.values():
        chosen[own[most:]] = False
        chance[own] = min(1.0, most / len(own))
    return keep(table, chosen, chance)


def keep_some(table: pa.Table, count: int, key: str) -> pa.Table:
    """Return so many of the rows, drawn evenly and without replacement; all where there are no more."""
    if len(table) <= count:
        return table
    order = np.argsort(places(table[ID_COLUMN], key), kind="stable")
    chosen = np.zeros(len(table), bool)
    chosen[order[:count]] = True
    return keep(table, chosen, np.full(len(table), count / len(table)))
