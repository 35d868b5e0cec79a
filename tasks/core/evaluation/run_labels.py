"""All labels of a ranking with known probabilities: its rank sample, and the batches that sampling drew from it.

Sampling leaves out what was labelled before, so its draws speak of the other texts; those are known already, by their
answers. Its draws serve where each of their texts was equally likely: ranks at random (`exploit`, `stratified`,
`random`). Where near-duplicates or an author's texts were capped they were not, and texts that were chosen by their
words (`explore`) or by their place beside an edge (`adaptive`, `uncertainty`) have no frame of ranks at all. Labels
that do not serve are counted, with the reason.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.evaluation.labelled_ranks import Known, LabelledRanks, RankDraw
from tasks.core.evaluation.pool_answers import PoolAnswers
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.evaluation.rank_sample import DrawnStratum
from tasks.core.exchange.batch import Batch, list_batches, read_batch
from tasks.core.exchange.labelled_before import text_key
from tasks.core.ranking.ranked import Ranked
from tasks.core.ranking.row_texts import TEXT, with_texts
from tasks.core.round.model import Round
from tasks.core.round.sections import Sample
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN

BY_WORDS = "explore"
CAPPED = "near-duplicates or authors were capped, so its texts were not equally likely"
OTHER_TEXTS = "answers of another sample, whose texts are others under the same ids"


@dataclass(frozen=True)
class RunLabels:
    """What is labelled of a ranking."""

    ranks: LabelledRanks
    scores: np.ndarray[Any, Any]
    answers: np.ndarray[Any, Any]
    """Scores and answers of the texts that an expert scored and that were chosen by their score alone calibrate."""
    unused: dict[str, int]
    """So many labels do not serve estimates, by method, number of draws and reason."""
    of_sampling: bool
    """This is true where draws of sampling serve, which left out what was labelled before."""


def gather_labels(
    round_: Round, run: PoolRun, ranked: Ranked, strata: Sequence[DrawnStratum], answers: PoolAnswers
) -> RunLabels:
    """Return all labels of a ranking: those of the rank sample, and of sampling's batches from the same run."""
    draws = [_rank_draw(one.first, one.last, one.rows, answers) for one in strata]
    tables = [one.rows.select([ID_COLUMN, SCORE_COLUMN]) for one in strata]
    unused: dict[tuple[str, str], list[int]] = defaultdict(list)
    batches = [read_batch(folder) for folder in list_batches(round_)]
    for batch in (one for one in batches if one.about.kind == "sampling" and one.about.run_id == run.plan.run_id):
        for method, rows in _by_draw(batch, ranked.label):
            if method != BY_WORDS:
                tables.append(rows.select([ID_COLUMN, SCORE_COLUMN]))
            frame, reason = _frame(batch, method, rows, ranked.rows)
            if frame is None:
                unused[method, reason].append(int((~np.isnan(answers.of(rows[ID_COLUMN].to_pylist()))).sum()))
            else:
                draws.append(_rank_draw(*frame, rows, answers))
    scores, decided = _scored_answers(tables, answers)
    left = {f"{method}, {_draws(len(counts))}: {reason}": sum(counts) for (method, reason), counts in unused.items()}
    left = {why: number for why, number in (left | {OTHER_TEXTS: answers.strange}).items() if number}
    return RunLabels(LabelledRanks(ranked.rows, draws), scores, decided, left, len(draws) > len(strata))


def with_known(labels: RunLabels, ranked: Ranked, sample: Sample, before: PoolAnswers, down_to: int) -> RunLabels:
    """Return the labels with the answers of other runs' batches as known, down to a rank.

    Such texts are no chance draw of this ranking: the former one liked them, and they are answered sooner than those
    that are new to this ranking, which would have nobody speak for them. Where draws of sampling serve, what went out
    before for another label, has no answer, or says what such a text says, stands apart too: sampling drew none of it.
    """
    best = ranked.top(down_to).select(["rank", ID_COLUMN])
    ids = [str(id_) for id_ in best[ID_COLUMN].to_pylist()]
    answers = before.of(ids)
    apart = ~np.isnan(answers)
    if labels.of_sampling:
        keys = map(text_key, with_texts(best, sample)[TEXT].to_pylist())
        seen = [id_ in before.seen or key in before.seen_texts for id_, key in zip(ids, keys, strict=True)]
        apart |= np.array(seen, dtype=bool)
    found = Known(best["rank"].to_numpy()[apart], answers[apart])
    return replace(labels, ranks=LabelledRanks(labels.ranks.rows, labels.ranks.draws, found))


def _draws(number: int) -> str:
    return "1 draw" if number == 1 else f"{number} draws"


def _rank_draw(first: int, last: int, rows: pa.Table, answers: PoolAnswers) -> RankDraw:
    return RankDraw(first, last, rows["rank"].to_numpy(), answers.of(rows[ID_COLUMN].to_pylist()))


def _by_draw(batch: Batch, label: str) -> Iterator[tuple[str, pa.Table]]:
    """Yield the draws of a label in a batch: the rows of one method, reason and stratum each."""
    rows = batch.draws.filter(pc.equal(batch.draws["label"], label))
    for key in rows.select(["method", "reason"]).group_by(["method", "reason"]).aggregate([]).to_pylist():
        own = pc.and_(pc.equal(rows["method"], key["method"]), pc.equal(rows["reason"], key["reason"]))
        yield key["method"], rows.filter(own)


def _frame(batch: Batch, method: str, rows: pa.Table, population: int) -> tuple[tuple[int, int] | None, str]:
    """Return the ranks that a draw was made from, or None and why it has none that serves."""
    if method not in {"exploit", "random", "stratified"}:
        return None, "not drawn at random among ranks"
    chances, draw = rows["inclusion_probability"].to_numpy(), _draw_of(batch, rows)
    lost = draw.get("drawn", len(rows)) != len(rows)  # to a text of another label's draw, under a cap that all share
    if lost or not np.allclose(chances, chances[0], rtol=1e-9):
        return None, CAPPED
    settings = batch.about.settings
    if method == "random":
        return (1, population), ""
    if method == "exploit" and draw.get("population_rows"):  # of a screened run those of the expert, who may be few
        return (1, min(int(draw["population_rows"]), population)), ""
    if method == "stratified" and "strata" in settings and rows["stratum"].null_count == 0:
        ends = [0, *sorted({min(int(end), population) for end in settings["strata"]})]
        number = int(rows["stratum"][0].as_py())
        return (ends[number] + 1, ends[number + 1]), ""
    return None, "its batch does not say among which ranks it was drawn"


def _draw_of(batch: Batch, rows: pa.Table) -> Mapping[str, Any]:
    """Return what the batch says of the draw that these rows are of; nothing where it says nothing."""
    row = rows.slice(0, 1).to_pylist()[0]
    draws = batch.about.counts.get("draws", [])
    return next((draw for draw in draws if all(draw[key] == row[key] for key in ("label", "method", "reason"))), {})


def _scored_answers(
    tables: Sequence[pa.Table], answers: PoolAnswers
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return score and answer of every decided text once."""
    scores: dict[str, float] = {}
    for table in tables:
        scores |= dict(zip(map(str, table[ID_COLUMN].to_pylist()), table[SCORE_COLUMN].to_pylist(), strict=True))
    decided, given = answers.of(scores), np.array(list(scores.values()), dtype=np.float64)
    kept = ~np.isnan(decided) & ~(given < 0)
    return given[kept], decided[kept]
