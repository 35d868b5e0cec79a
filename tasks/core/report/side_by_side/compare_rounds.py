"""Rounds of several countries, iterations and methods beside each other.

Reads   what the flows of each round left in files: see tasks.core.report.facts_on_disk
Writes  <folder>/comparison.md, .csv and .json: the table; comparison.svg and .png: the picture
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.round_names import MAIN_RUN, MAIN_SAMPLE
from tasks.core.base.naming.work_places import comparison_folder
from tasks.core.report.facts_on_disk import RoundFiles
from tasks.core.report.side_by_side.round_figures import figures_of
from tasks.core.report.side_by_side.rounds_picture import write_pictures
from tasks.core.report.side_by_side.rounds_table import ComparisonRecord, as_markdown, write_tables
from tasks.core.round.model import Round


@dataclass(frozen=True)
class Compared:
    """A comparison, and where it lies."""

    table: str
    paths: list[Path]


def compare_rounds(
    rounds: Sequence[Round], folder: Path | None = None, run_name: str = MAIN_RUN, sample: str = MAIN_SAMPLE
) -> Compared:
    """Compare rounds and one of the runs of each; without a `folder`, below the first one's work path.

    Raises:
        RoundFileError: a round is given twice.
    """
    names = [round_.name for round_ in rounds]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RoundFileError(f"{', '.join(twice)} is given twice; a comparison takes each round once")
    folder = folder or comparison_folder(rounds[0].work_path, names)
    ordered = sorted(rounds, key=lambda round_: (round_.country, round_.iteration, round_.method))
    lines = [line for round_ in ordered for line in figures_of(RoundFiles(round_, run_name, sample))]
    record = ComparisonRecord(sample, run_name, lines)
    return Compared(as_markdown(lines), [*write_tables(folder, record), *write_pictures(folder, lines)])
