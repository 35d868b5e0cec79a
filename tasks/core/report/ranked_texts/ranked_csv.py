"""Ranked texts as CSV, a row a text and label: UTF-8 with a byte order mark, and safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable
from pathlib import Path

from tasks.core.base.errors import InputDataError
from tasks.core.base.files import write_aside
from tasks.core.exchange.safe_cells import safe_id, safe_text
from tasks.core.report.ranked_texts.best_of_label import BestOfLabel
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN

COLUMNS = ("label", "rank", ID_COLUMN, SCORE_COLUMN, STAGE_COLUMN, "human", "same_as", "text")


def require_absent(path: Path) -> None:
    """Refuse to write over a file, which may hold what somebody wrote into it.

    Raises:
        InputDataError: it is there.
    """
    if path.exists():
        raise InputDataError(f"{path} is there already, and is not written over; name another file, or move it away")


def write_ranked_csv(path: Path, labels: Iterable[BestOfLabel]) -> int:
    """Write the best texts of labels, which may be made one at a time, and return how many rows they are.

    Raises:
        InputDataError: the file is there already.
    """
    require_absent(path)
    count = 0
    with write_aside(path) as aside, aside.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for best in labels:
            count += len(best.texts)
            for one in best.texts:
                place = (best.label, one.rank, safe_id(one.id), repr(one.score), one.stage, one.human, one.same_as)
                writer.writerow((*place, safe_text(one.text)))
    return count
