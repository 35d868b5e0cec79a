"""What `winnow top` answers of a run's own texts: lines for a terminal, JSON, a CSV, a page to browse."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from deployments.commands.scores.ranked_words import label_lines, terminal_width
from deployments.commands.scores.which_run import AskedRun, find_run
from tasks.core.base.errors import WinnowError
from tasks.core.base.files import write_text
from tasks.core.report.ranked_texts.best_of_label import BestOfLabel, best_of_label
from tasks.core.report.ranked_texts.human_labels import HumanLabels, human_labels
from tasks.core.report.ranked_texts.ranked_csv import require_absent, write_ranked_csv
from tasks.core.report.ranked_texts.ranked_page import ranked_page, require_room


@dataclass(frozen=True)
class RankedQuestion:
    """Which texts are asked for."""

    where: str
    labels: tuple[str, ...]
    """These labels are listed; all of the run where none is named."""
    limit: int
    least: float
    sample: str | None
    run_name: str | None


@dataclass(frozen=True)
class AnswerWay:
    """How it is answered."""

    full: bool
    csv: Path | None
    page: Path | None
    json: bool


def answer_lines(asked: RankedQuestion, way: AnswerWay) -> Iterator[str]:
    """Yield what is printed, and write the files that are asked for.

    Raises:
        WinnowError: there is no such run or label, it is not finished, or a file is there already.
    """
    run = find_run(asked.where, asked.sample, asked.run_name)
    labels = asked.labels or tuple(use.label for use in run.plan.engines)
    human, unknown = _said(run)
    about = [*run.about, *unknown]
    best: Iterator[BestOfLabel] = (
        best_of_label(run.plan, run.folder, label, asked.limit, asked.least, human.get(label))
        for label in dict.fromkeys(labels)
    )
    if way.page is not None:
        require_room(asked.limit, labels)
        require_absent(way.page)
        best = iter(found := list(best))
        write_text(way.page, ranked_page(run.plan, run.folder, found, human, about))
        yield f"page to browse, in any browser: {way.page}"
    if way.csv is not None:
        yield f"{write_ranked_csv(way.csv, best):,} rows: {way.csv}"
    if way.page is None and way.csv is None:
        yield from [_as_json(about, list(best))] if way.json else _lines(about, best, way.full)


def _said(run: AskedRun) -> tuple[HumanLabels, list[str]]:
    """Return what people said, or why it is not known."""
    if run.round_ is None:
        return {}, []
    try:
        return human_labels(run.round_), []
    except (WinnowError, OSError) as error:
        return {}, [f"what people said is not known: {error}"]


def _lines(about: list[str], labels: Iterator[BestOfLabel], full: bool) -> Iterator[str]:
    yield from about
    for best in labels:
        yield from ("", *label_lines(best, None if full else terminal_width()))


def _as_json(about: list[str], labels: list[BestOfLabel]) -> str:
    said = [
        {"label": best.label, "model": best.model, "rows": best.rows, "ruled_out": best.ruled_out}
        | {"texts": [asdict(one) for one in best.texts]}
        for best in labels
    ]
    return json.dumps({"about": about, "labels": said}, indent=1, ensure_ascii=False)
