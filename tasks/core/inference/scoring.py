"""Score one shard: each distinct text once, tokenised once for all labels.

Reads   the plan's rows of one file, and the engine models' folders
Writes  output/<LABEL>/part-<N>.parquet, quarantine/part-<N>.parquet, a line in logs/<LABEL>/, receipts/<N>.json (last)
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.core.corpus.reading import decode_texts
from tasks.core.errors import ModelFolderError
from tasks.core.files import sha256_of_file, write_aside
from tasks.core.inference.engine import open_engine, open_tokenizer
from tasks.core.inference.input import read_shard, sha256_of_rows
from tasks.core.inference.libraries import require_libraries
from tasks.core.inference.model_folder import TOKENIZER_FILE, EngineModel
from tasks.core.inference.plan import METADATA_KEY, EngineUse, Plan, Shard
from tasks.core.inference.receipts import Receipt, write_receipt
from tasks.core.inference.run_folder import RunFolder, worker_name
from tasks.core.preprocessing import preprocess
from tasks.core.scores import label_scores

REASON_NO_ID = "id is null"
REASON_NO_TEXT = "text is null"
REASON_NOT_UTF8 = "text is not UTF-8"


@dataclass(frozen=True)
class _Texts:
    """A shard's scorable rows, as distinct texts and their tokens."""

    ids: pa.ChunkedArray
    text_of_row: NDArray[np.int64]
    tokens: list[list[int]]
    empty: int
    truncated: int


def score_shard(plan: Plan, shard: Shard, folder: RunFolder) -> Receipt:
    """Score a shard for every label and write its outputs, then its receipt.

    The scores follow from the plan and the rows alone: another worker of the same kind writes the same bytes. One of
    another kind is within the canaries' tolerance or, where the plan lets it, falls back to fp32 and says so.

    Raises:
        MachineError: this worker has other libraries than the plan, or cannot run an engine as it was made.
    """
    started = time.monotonic()
    require_libraries(plan.libraries)
    mtime_ns = plan.input_path(shard).stat().st_mtime_ns
    rows = read_shard(plan, shard)
    scorable, quarantined = _quarantine(rows)
    texts = _tokenise(plan, scorable)
    paths = []
    logits: dict[int, NDArray[np.float32]] = {}
    variants = {}
    for use in plan.engines:
        model, engine = open_engine(use.folder, plan.fall_back_to_fp32)
        variants[use.label] = model.variant.name
        graph = id(engine)  # labels of one model share its graph
        if graph not in logits:
            logits[graph] = engine.logits(texts.tokens, plan.batch_tokens)
        scores = _scores(model, logits[graph])[texts.text_of_row]
        table = pa.table({"tweet_id": texts.ids, "score": pa.array(scores, pa.float64())})
        paths.append(_write_scores(plan, model, use, table, shard, folder))
        seconds = time.monotonic() - started
        _log(folder.log_path(use.label), f"shard {shard.number:05d}: {table.num_rows} rows, {seconds:.1f} s")
    folder.quarantine_path(shard.number).unlink(missing_ok=True)
    if quarantined.num_rows:
        paths.append(_write_table(quarantined, folder.quarantine_path(shard.number)))
    receipt = Receipt(
        shard=shard.number,
        run_id=plan.run_id,
        rows_in=rows.num_rows,
        rows_out={use.label: scorable.num_rows for use in plan.engines},
        variants=variants,
        rows_quarantined=quarantined.num_rows,
        duplicate_texts=scorable.num_rows - len(texts.tokens),
        empty_texts=texts.empty,
        truncated_texts=texts.truncated,
        input_mtime_ns=mtime_ns,
        input_sha256=sha256_of_rows(rows),
        files={path.relative_to(folder.path).as_posix(): path.stat().st_size for path in paths},
        sha256={path.relative_to(folder.path).as_posix(): sha256_of_file(path) for path in paths},
        seconds=round(time.monotonic() - started, 3),
        worker=worker_name(),
    )
    write_receipt(receipt, folder)
    return receipt


def _quarantine(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Part the rows into those that can be scored and, with a reason and their bytes, those that cannot."""
    texts = pa.array(decode_texts(rows["text"]), pa.large_string())
    has_id, has_text, decoded = pc.is_valid(rows["id"]), pc.is_valid(rows["text"]), pc.is_valid(texts)
    reasons = pc.case_when(
        pc.make_struct(pc.invert(has_id), pc.invert(has_text), pc.invert(decoded)),
        *(pa.scalar(reason) for reason in (REASON_NO_ID, REASON_NO_TEXT, REASON_NOT_UTF8)),
    )
    scorable = pc.and_(has_id, decoded)
    content = rows["text"].cast(pa.large_binary())
    table = pa.table({"tweet_id": rows["id"], "text": content, "reason": reasons})
    return pa.table({"id": rows["id"], "text": texts}).filter(scorable), table.filter(pc.invert(scorable))


def _tokenise(plan: Plan, rows: pa.Table) -> _Texts:
    distinct = rows["text"].combine_chunks().dictionary_encode()
    text_of_row = distinct.indices.to_numpy().astype(np.int64)
    texts = preprocess(plan.preprocessing, distinct.dictionary.to_pylist())
    tokenizer_path = Path(plan.engines[0].folder) / TOKENIZER_FILE
    encodings = open_tokenizer(str(tokenizer_path), plan.max_length_tokens).encode_batch(texts)
    truncated = np.array([bool(encoding.overflowing) for encoding in encodings], dtype=bool)
    empty = np.array([not text for text in texts], dtype=bool)
    return _Texts(
        ids=rows["id"],
        text_of_row=text_of_row,
        tokens=[encoding.ids for encoding in encodings],
        empty=int(empty[text_of_row].sum()),
        truncated=int(truncated[text_of_row].sum()),
    )


def _scores(model: EngineModel, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return one label's score of every distinct text."""
    if not len(logits):
        return np.empty(0, dtype=np.float64)
    scores = label_scores(logits, model.positive_index, model.head)
    if not np.isfinite(scores).all():
        raise ModelFolderError(f"the engine model gives {int((~np.isfinite(scores)).sum())} scores that are no numbers")
    return scores


def _write_scores(
    plan: Plan, model: EngineModel, use: EngineUse, table: pa.Table, shard: Shard, folder: RunFolder
) -> Path:
    provenance = {
        "run_id": plan.run_id,
        "shard": shard.number,
        "label": use.label,
        "registered_model": use.registered_model,
        "version": use.version,
        "engine_digest": use.digest,
        "variant": model.variant.name,
    }
    metadata = {METADATA_KEY: json.dumps(provenance, sort_keys=True).encode()}
    return _write_table(table.replace_schema_metadata(metadata), folder.output_path(use.label, shard.number))


def _write_table(table: pa.Table, path: Path) -> Path:
    with write_aside(path) as aside:
        pq.write_table(table, aside, compression="zstd")
    return path


def _log(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
