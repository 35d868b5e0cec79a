"""The rank sample: texts drawn at random from every stratum of a ranking, and the batch that asks for their labels.

A ranking, the section and the round's answers give the same sample again, so that what was answered before, in any
batch, serves, and only what nobody was asked goes out. A larger number of texts a stratum holds the smaller one's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.core.base.files import fingerprint
from tasks.core.evaluation.pool_answers import PoolAnswers
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.evaluation.rank_strata import rank_strata
from tasks.core.exchange.batch import Batch, BatchAbout, place_of, write_batch
from tasks.core.exchange.batch_tables import DRAWS, TEXTS
from tasks.core.ranking.ranked import Ranked
from tasks.core.ranking.row_texts import with_texts
from tasks.core.round.evaluation_section import Evaluation
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN, SCORE_COLUMN
from tasks.core.screening.draws import places

METHOD = "rank_sample"


@dataclass(frozen=True)
class DrawnStratum:
    """A stratum of ranks, and the rows drawn from it."""

    number: int
    first: int
    last: int
    rows: pa.Table

    @property
    def size(self) -> int:
        """The stratum has so many texts."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class RankSample:
    """What was drawn of a label's ranking, of so many rows."""

    label: str
    rows: int
    strata: list[DrawnStratum]

    def answered(self, answers: PoolAnswers) -> int:
        """Return how many of the drawn texts have an answer that counts."""
        given = [answers.of(stratum.rows[ID_COLUMN].to_pylist()) for stratum in self.strata]
        return sum(int((~np.isnan(one)).sum()) for one in given)


@dataclass(frozen=True)
class MoreTexts:
    """More texts than the round file asks for: so many of each stratum down to a rank."""

    a_stratum: int
    down_to: int | None


def draw_rank_sample(ranked: Ranked, settings: Evaluation, run_id: str, more: MoreTexts | None = None) -> RankSample:
    """Draw a label's rank sample."""
    how, rows = settings.rank_sample, ranked.rows
    key = f"rank-sample {how.draw_seed} {run_id}"
    strata = rank_strata(how.ranks, how.largest_rank, rows, settings.precision_at) if rows else []
    counts = [how.texts_a_rank] * len(strata)
    if more is not None:
        near = [more.down_to is None or first <= more.down_to for first, _ in strata]
        counts = [max(count, more.a_stratum) if own else count for count, own in zip(counts, near, strict=True)]
    if how.texts_below and rows > how.largest_rank:
        strata, counts = [*strata, (how.largest_rank + 1, rows)], [*counts, how.texts_below]
    drawn = [
        DrawnStratum(number, first, last, ranked.draw(first, last, count, key))
        for number, ((first, last), count) in enumerate(zip(strata, counts, strict=True))
    ]
    return RankSample(ranked.label, rows, drawn)


def unasked(sample: RankSample, answers: PoolAnswers) -> pa.Table:
    """Return the drawn rows that nobody was asked of, as a batch has them."""
    tables = [DRAWS.empty_table()]
    for stratum in sample.strata:
        ids = [str(id_) for id_ in stratum.rows[ID_COLUMN].to_pylist()]
        fresh = np.array([id_ not in answers.out and id_ not in answers.decided for id_ in ids], dtype=bool)
        rows = stratum.rows.filter(pa.array(fresh))
        if len(rows):
            tables.append(_as_draws(rows, sample.label, stratum))
    return pa.concat_tables(tables[1:]) if len(tables) > 1 else tables[0]


def _as_draws(rows: pa.Table, label: str, stratum: DrawnStratum) -> pa.Table:
    count = len(rows)
    said = {
        "label": pa.array([label] * count),
        "method": pa.array([METHOD] * count),
        "reason": pa.array([f"one of {len(stratum.rows)} of ranks {stratum.first:,} to {stratum.last:,}"] * count),
        "stratum": pa.array([stratum.number] * count, pa.int32()),
        "inclusion_probability": pa.array([len(stratum.rows) / stratum.size] * count, pa.float64()),
    }
    columns = {name: rows[name] for name in (ID_COLUMN, "rank", SCORE_COLUMN, "stage")} | said
    return pa.table({name: columns[name] for name in DRAWS.names})


def write_rank_sample(round_: Round, run: PoolRun, drawn: Mapping[str, pa.Table], rows: Mapping[str, int]) -> Batch:
    """Write the batch of the rows that nobody was asked of, all labels together; each text goes out once.

    Raises:
        InputDataError: the sample is not the one that was scored.
    """
    draws = pa.concat_tables(list(drawn.values()))
    texts = _texts(round_, run, draws)
    settings = round_.evaluation.model_dump(mode="json", include={"rank_sample", "precision_at"})
    asked = [draws[ID_COLUMN].cast(pa.string()).to_pylist(), draws["label"].to_pylist()]
    batch_id = fingerprint([run.plan.run_id, settings, asked])
    about = BatchAbout(
        batch_id=batch_id,
        kind="evaluation",
        country=round_.country,
        round_name=round_.name,
        run_folder=str(run.folder.path),
        run_id=run.plan.run_id,
        population=dict(rows),
        settings=settings,
        random_state=round_.evaluation.rank_sample.draw_seed,
        counts={"drawn": {label: len(table) for label, table in drawn.items()}, "excluded": {}, "capped": {}},
    )
    return write_batch(place_of(round_, "evaluation", batch_id), draws, texts, about)


def _texts(round_: Round, run: PoolRun, draws: pa.Table) -> pa.Table:
    """Return the texts in an order by chance: who stops half-way has labelled a random half, not the best ranks."""
    wanted: dict[object, list[str]] = {}
    for id_, label in zip(draws[ID_COLUMN].to_pylist(), draws["label"].to_pylist(), strict=True):
        wanted.setdefault(id_, []).append(label)
    ids = pa.table({ID_COLUMN: pa.array(list(wanted), draws.schema.field(ID_COLUMN).type)})
    found = with_texts(ids, round_.samples[run.plan.sample_name])
    columns = [found[ID_COLUMN], found["text"], pa.array(list(wanted.values())), pa.nulls(len(ids), pa.string())]
    table = pa.table(dict(zip(TEXTS.names, columns, strict=True)))
    return table.take(pa.array(np.argsort(places(table[ID_COLUMN], f"order {run.plan.run_id}"), kind="stable")))
