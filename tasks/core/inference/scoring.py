"""Score one shard: each distinct text once, tokenised once for all labels.

Reads   the plan's rows of one file, and the engine models' folders
Writes  a line in logs/<LABEL>/, receipts/<N>.json, which makes the shard finished, output/<LABEL>/part-<N>.parquet and
        quarantine/part-<N>.parquet, which lay under the attempt's own name before
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.core.base.cpu import cpu_features, processor_name
from tasks.core.base.threads import cpu_threads
from tasks.core.engines.libraries import require_libraries
from tasks.core.engines.loading import open_engine
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.scores import label_scores, require_finite
from tasks.core.inference.shard_texts import ShardTexts, part_rows, tokenise
from tasks.core.runs.folder import RunFolder, worker_name
from tasks.core.runs.parts import provenance, score_table, write_part
from tasks.core.runs.plan import Plan, Shard
from tasks.core.runs.shards.attempts import Attempt, attempt, settled
from tasks.core.runs.shards.planned_rows import FileState, read_shard, sha256_of_rows, state_of
from tasks.core.runs.shards.receipt_faults import require_same_rows
from tasks.core.runs.shards.receipts import BINS, Receipt, read_receipt


@dataclass(frozen=True)
class _Read:
    """A shard's rows as they were read, and those among them that can be scored."""

    state: FileState
    """The file was in this state before it was read."""
    sha256: str
    rows: pa.Table
    texts: ShardTexts
    quarantined: pa.Table


@dataclass
class _Scored:
    """What scoring a shard for its labels gave."""

    variants: dict[str, str] = field(default_factory=dict)
    histograms: dict[str, list[int]] = field(default_factory=dict)
    engine_seconds: float = 0.0


def score_shard(plan: Plan, shard: Shard, folder: RunFolder) -> Receipt:
    """Score a shard for every label and return its receipt; where another worker was faster, return that one's.

    The scores follow from the plan and the rows alone: another worker of the same kind writes the same bytes. One of
    another kind is within the canaries' tolerance or, where the plan lets it, falls back to fp32 and says so.

    Raises:
        MachineError: this worker has other libraries than the plan, or cannot run an engine as it was made.
        ModelFolderError: an engine model is not the planned one, or gives logits that are no finite numbers.
        RunFolderError: the sample's file is not the planned one, or has other rows than when the shard was scored.
        LaunchLostError: another launch has taken over the run folder; nothing of the shard was changed.
    """
    started, cpu = time.monotonic(), time.process_time()
    require_libraries(plan.inputs.libraries)
    if (receipt := settled(plan, folder, shard)) is not None:
        return receipt
    with attempt(folder, shard) as tried:
        read = _read(plan, shard, folder)
        scored = _score_labels(plan, read.texts, tried)
        if read.quarantined.num_rows:
            write_part(read.quarantined, tried.own(folder.quarantine_path(shard.number)))
        seconds = round(time.monotonic() - started, 3)
        line = f"shard {shard.number:05d}: {len(read.texts.ids)} rows, {seconds:.1f} s"
        for use in plan.engines:
            _log(folder.log_path(use.label, worker_name()), line)
        receipt = _receipt(plan, shard, read, scored)
        receipt = replace(receipt, seconds=seconds, cpu_seconds=round(time.process_time() - cpu, 3))
        return tried.commit(plan, receipt)


def _read(plan: Plan, shard: Shard, folder: RunFolder) -> _Read:
    """Read and tokenise; the file's state is taken first, so that a later change is seen."""
    state = state_of(plan.input_path(shard))
    rows = read_shard(plan, shard)
    require_same_rows(plan, shard, read_receipt(folder, shard.number), rows)
    scorable, quarantined = part_rows(rows)
    return _Read(state or (0, 0), sha256_of_rows(rows), rows, tokenise(plan, scorable), quarantined)


def _receipt(plan: Plan, shard: Shard, read: _Read, scored: _Scored) -> Receipt:
    """Say what was scored; the files are filled in by the attempt, the time by who took it."""
    texts = read.texts
    return Receipt(
        shard=shard.number,
        run_id=plan.run_id,
        rows_in=read.rows.num_rows,
        rows_out={use.label: len(texts.ids) for use in plan.engines},
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
        seconds=0.0,
        engine_seconds=round(scored.engine_seconds, 3),
        threads=cpu_threads(),
        worker=worker_name(),
        processor=processor_name(),
        cpu_features=cpu_features(),
    )


def _score_labels(plan: Plan, texts: ShardTexts, tried: Attempt) -> _Scored:
    """Run every label's model on the texts and write its scores; labels of one model share its pass."""
    scored = _Scored()
    logits: dict[int, NDArray[np.float32]] = {}
    for use in plan.engines:
        model, engine = open_engine(use.folder, plan.inputs.fall_back_to_fp32, use.seal)
        if id(engine) not in logits:
            before = time.monotonic()
            logits[id(engine)] = engine.logits(texts.tokens, plan.inputs.batch_tokens)
            scored.engine_seconds += time.monotonic() - before
        require_finite(logits[id(engine)], f"shard {tried.shard.number}, label '{use.label}'")
        scores = _scores(model, logits[id(engine)])[texts.text_of_row]
        number = tried.shard.number
        content = provenance(plan, use, number, model.variant.name)
        write_part(score_table(texts.ids, scores), tried.own(tried.folder.output_path(use.label, number)), content)
        scored.variants[use.label] = model.variant.name
        scored.histograms[use.label] = np.histogram(scores, bins=BINS, range=(0, 1))[0].tolist()
    return scored


def _scores(model: EngineModel, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return one label's score of every distinct text."""
    if not len(logits):
        return np.empty(0, dtype=np.float64)
    return label_scores(logits, model.positive_index, model.head)


def _log(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
