"""What is measured of a pool where the round asks: seed sentences, the variety of the best texts, tied seeds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.core.evaluation.diversity import text_diversity
from tasks.core.evaluation.pool_answers import PoolAnswers
from tasks.core.evaluation.pool_run import PoolRun
from tasks.core.evaluation.rank_sample import RankSample
from tasks.core.evaluation.seed_sentences import seed_sentence_recall
from tasks.core.evaluation.text_vectors import checkpoint_vectors, word_vectors
from tasks.core.evaluation.tied_seeds import StratumLabels, compare_on_pool
from tasks.core.ranking.ranked import Ranked
from tasks.core.ranking.row_texts import TEXT, with_texts
from tasks.core.round.model import Round
from tasks.core.runs.parts import ID_COLUMN


@dataclass(frozen=True)
class LabelCheckpoints:
    """A label's checkpoints at hand: the selected seed's, and those tied with it in validation."""

    winner: int
    folders: Mapping[int, Path] = field(default_factory=dict)
    """Each seed has its checkpoint's folder."""


@dataclass(frozen=True)
class PoolMeasures:
    """What was measured; None where the round does not ask, or nothing can be."""

    seed_sentences: dict[str, Any] | None = None
    diversity: dict[str, Any] | None = None
    tied_seeds: dict[str, Any] | None = None


def measure_pool(
    round_: Round,
    run: PoolRun,
    ranked: Ranked,
    drawn: RankSample,
    answers: PoolAnswers,
    checkpoints: LabelCheckpoints | None,
) -> PoolMeasures:
    """Measure what the round asks for of a label; `checkpoints` are None where they are not at hand."""
    settings, sample = round_.evaluation, round_.samples[run.plan.sample_name]
    sentences, found = settings.seed_sentences.get(ranked.label), None
    if sentences:
        found = asdict(seed_sentence_recall(run, ranked, sample, sentences, settings.seed_sentence_rank))
    diversity = None
    if settings.diversity.texts:
        best = with_texts(ranked.top(settings.diversity.texts).select([ID_COLUMN]), sample)[TEXT].to_pylist()
        diversity = _diversity(best, settings.diversity.by, checkpoints)
    tied = None
    if settings.compare_tied_seeds and checkpoints is not None and len(checkpoints.folders) > 1:
        tied = _tied_seeds(round_, run, drawn, answers, checkpoints)
    return PoolMeasures(found, diversity, tied)


def _diversity(texts: list[str], by: str, checkpoints: LabelCheckpoints | None) -> dict[str, Any] | None:
    if by == "checkpoint" and checkpoints is not None:
        found = text_diversity(checkpoint_vectors(checkpoints.folders[checkpoints.winner], texts), "checkpoint")
    else:
        found = text_diversity(word_vectors(texts), "words")
    return None if found is None else asdict(found)


def _tied_seeds(
    round_: Round, run: PoolRun, drawn: RankSample, answers: PoolAnswers, checkpoints: LabelCheckpoints
) -> dict[str, Any]:
    from tasks.core.distillation.model_scores import checkpoint_scores  # noqa: PLC0415 - torch only where it is used
    from tasks.core.training.trainer.checkpoint import read_card  # noqa: PLC0415

    labels, ids = weighted_labels(drawn, answers)
    texts = with_texts(pa.table({ID_COLUMN: ids}), round_.samples[run.plan.sample_name])[TEXT].to_pylist()
    scores = {}
    for seed, folder in checkpoints.folders.items():
        column = read_card(folder).labels.index(drawn.label)
        scores[seed] = checkpoint_scores(folder, texts).scores[:, column]
    return compare_on_pool(labels, scores, checkpoints.winner)


def weighted_labels(drawn: RankSample, answers: PoolAnswers) -> tuple[StratumLabels, pa.ChunkedArray]:
    """Return the labelled texts of a rank sample with their weights, and their ids."""
    found, strata, weights, ids = [], [], [], []
    for stratum in drawn.strata:
        own = answers.of(stratum.rows[ID_COLUMN].to_pylist())
        kept = ~np.isnan(own)
        count = int(kept.sum())
        found.append(own[kept] == 1)
        strata.append(np.full(count, stratum.number, dtype=np.int64))
        weights.append(np.full(count, stratum.size / max(count, 1)))
        ids.append(stratum.rows[ID_COLUMN].filter(pa.array(kept)))
    labels = StratumLabels(np.concatenate(found), np.concatenate(strata), np.concatenate(weights))
    return labels, pa.chunked_array([chunk for one in ids for chunk in one.chunks], ids[0].type)
