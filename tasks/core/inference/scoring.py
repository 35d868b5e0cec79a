"""Score one shard: each distinct text once, tokenised once for all labels.

Reads   the plan's rows of one file, and the engine models' folders
Writes  a line in logs/<LABEL>/, receipts/<N>.json, which makes the shard finished, output/<LABEL>/part-<N>.parquet and
        quarantine/part-<N>.parquet, which lay under the attempt's own name before
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.core.base.cpu import cpu_features, processor_name
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.libraries import require_libraries
from tasks.core.engines.loading import Engine, open_engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.inference.certified import require_certified_variants
from tasks.core.inference.shard_rows import ShardRows, read_shard_rows
from tasks.core.inference.shard_texts import ShardTexts
from tasks.core.runs.folder import RunFolder, worker_name
from tasks.core.runs.parts import SCREENED_OUT, count_scores, provenance, score_table, write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.scoring_inputs import EngineUse
from tasks.core.runs.shards.attempts import Attempt, attempt, settled
from tasks.core.runs.shards.receipts import BINS, Receipt, ScreenedRows


@dataclass
class _Scored:
    """What scoring a shard for its labels gave."""

    variants: dict[str, str] = field(default_factory=dict)
    histograms: dict[str, list[int]] = field(default_factory=dict)
    score_counts: dict[str, str] = field(default_factory=dict)
    screened: dict[str, ScreenedRows] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """Each label's engine took so long; of labels that share a pass, the first."""
    rows: dict[str, int] = field(default_factory=dict)
    """Each of these had so many rows to score."""


def score_shard(plan: Plan, shard: Shard, folder: RunFolder) -> Receipt:
    """Score a shard for every label and return its receipt; where another worker was faster, return that one's.

    The scores follow from the plan and the rows alone: another worker of the same kind writes the same bytes. One of
    another kind is within the canaries' tolerance or, where the plan lets it, falls back to fp32 and says so.

    Raises:
        MachineError: this worker has other libraries than the plan, or cannot run an engine as it was made, or would
            score by another variant than a screening's draws were scored by.
        ModelFolderError: an engine model is not the planned one, or gives logits that are no finite numbers.
        RunFolderError: the sample's file is not the planned one, or has other rows than when the shard was scored.
        LaunchLostError: another launch has taken over the run folder; nothing of the shard was changed.
    """
    started, cpu = time.monotonic(), time.process_time()
    require_libraries(plan.inputs.libraries)
    if (receipt := settled(plan, folder, shard)) is not None:
        return receipt
    with attempt(folder, shard) as tried:
        read = read_shard_rows(plan, shard, folder)
        texts = read.tokenised(plan)
        scored = _score_labels(plan, read, texts, tried)
        if read.quarantined.num_rows:
            write_part(read.quarantined, tried.own(folder.quarantine_path(shard.number)))
        seconds = round(time.monotonic() - started, 3)
        line = f"shard {shard.number:05d}: {read.scorable.num_rows} rows, {seconds:.1f} s"
        for use in plan.engines:
            _log(folder.log_path(use.label, worker_name()), line)
        receipt = _receipt(plan, shard, read, texts, scored)
        receipt = replace(receipt, seconds=seconds, cpu_seconds=round(time.process_time() - cpu, 3))
        return tried.commit(plan, receipt)


def _receipt(plan: Plan, shard: Shard, read: ShardRows, texts: ShardTexts, scored: _Scored) -> Receipt:
    """Say what was scored; the files are filled in by the attempt, the time by who took it."""
    stages = read.stages | {label: (scored.rows[label], spent) for label, spent in scored.seconds.items()}
    return Receipt(
        shard=shard.number,
        run_id=plan.run_id,
        rows_in=read.count,
        rows_out=dict.fromkeys((use.label for use in plan.engines), read.scorable.num_rows),
        variants=scored.variants,
        rows_quarantined=read.quarantined.num_rows,
        duplicate_texts=len(texts.ids) - len(texts.tokens),
        empty_texts=texts.empty,
        truncated_texts=texts.truncated,
        input_mtime_ns=read.state[0],
        input_ctime_ns=read.state[1],
        input_sha256=read.sha256,
        files={},
        sha256={},
        histograms=scored.histograms,
        score_counts=scored.score_counts,
        seconds=0.0,
        engine_seconds=round(sum(scored.seconds.values()), 3),
        threads=cpu_threads(),
        worker=worker_name(),
        processor=processor_name(),
        cpu_features=cpu_features(),
        screened=scored.screened,
        stage_rows={name: rows for name, (rows, _) in stages.items()},
        certificate=read.certificate,
        stage_seconds={name: round(spent, 3) for name, (_, spent) in stages.items()},
    )


def _score_labels(plan: Plan, read: ShardRows, texts: ShardTexts, tried: Attempt) -> _Scored:
    """Run every label's model on the texts and write its scores; labels of one model share its pass."""
    scored = _Scored()
    opened = [open_engine(use.folder, plan.inputs.fall_back_to_fp32, use.seal) for use in plan.engines]
    if plan.inputs.screening:
        variants = {use.label: model.variant.name for use, (model, _) in zip(plan.engines, opened, strict=True)}
        require_certified_variants(tried.folder, variants)
    logits: dict[int, NDArray[np.float32]] = {}
    for use, (model, engine) in zip(plan.engines, opened, strict=True):
        if id(engine) not in logits:
            before = time.monotonic()
            sharing = [other.label for other, (_, own) in zip(plan.engines, opened, strict=True) if own is engine]
            asked = read.asked_for(*sharing)
            logits[id(engine)] = _logits(plan, texts, asked, engine)
            scored.seconds[use.label], scored.rows[use.label] = time.monotonic() - before, int(asked.sum())
        of_rows = logits[id(engine)][texts.text_of_row[read.asked_for(use.label)]]
        require_finite(of_rows, f"shard {tried.shard.number}, label '{use.label}'")
        _write_label(plan, read, tried, use, model, _scores(model, of_rows), scored)
    return scored


def _logits(plan: Plan, texts: ShardTexts, asked: NDArray[np.bool_], engine: Engine) -> NDArray[np.float32]:
    """Return an engine's logits of the distinct texts of the rows that it is asked for; NaN for the others."""
    wanted = np.unique(texts.text_of_row[asked])
    found = engine.logits([texts.tokens[number] for number in wanted], plan.inputs.batch_tokens)
    if len(wanted) == len(texts.tokens):
        return found
    logits = np.full((len(texts.tokens), found.shape[1]), np.nan, dtype=np.float32)
    logits[wanted] = found
    return logits


def _write_label(  # noqa: PLR0913, PLR0917 - a label's scores, and where what follows from them goes
    plan: Plan,
    read: ShardRows,
    tried: Attempt,
    use: EngineUse,
    model: EngineModel,
    scores: NDArray[np.float64],
    scored: _Scored,
) -> None:
    """Write a label's part, and count what is in it; `scores` are of the rows that its engine was asked for."""
    number, label, stages = tried.shard.number, read.labels.get(use.label), None
    by_engine = scores
    if label is not None:
        scores, stages = label.with_expert(scores), label.stages
        by_engine = scores[~np.isin(stages, SCREENED_OUT)]
        scored.screened[use.label] = label.summed(scores)
    content = provenance(plan, use, number, model.variant.name)
    path = tried.own(tried.folder.output_path(use.label, number))
    table = score_table(read.scorable["id"], scores, stages)
    write_part(table, path, content)
    scored.score_counts[use.label] = count_scores(table)
    scored.variants[use.label] = model.variant.name
    scored.histograms[use.label] = np.histogram(by_engine, bins=BINS, range=(0, 1))[0].tolist()


def _scores(model: EngineModel, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return one label's score of every row of logits."""
    if not len(logits):
        return np.empty(0, dtype=np.float64)
    return label_scores(logits, model.positive_index, model.head)


def _log(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
