"""What the scoring code must give for fixed texts and a fixed model: tokens, batches, and bytes of scores.

`python -m tests.core.inference.golden` adds this machine's kind to golden.json, or writes the file anew after
SCORING_VERSION was raised.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.cpu import cpu_features
from tasks.core.base.files import write_json
from tasks.core.engines.batching import plan_batches
from tasks.core.engines.libraries import library_versions
from tasks.core.engines.model_folder import EngineModel, read_engine_model
from tasks.core.inference.scoring import score_shard
from tasks.core.inference.shard_texts import tokenise
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import read_part
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import write_plan
from tasks.core.runs.scoring_inputs import SCORING_VERSION
from tasks.core.runs.shards.planned_rows import read_shard
from tasks.core.runs.shards.scorable_rows import part_rows
from tests.support.plans import plan_of
from tests.support.tiny import make_sentences
from tests.support.written_before import FIXTURES

GOLDEN = Path(__file__).with_name("golden.json")
ENGINES = FIXTURES / "written_by_0.1.0" / "engines"
TEXTS = [
    *make_sentences(60, seed=11),
    *(
        "",
        " ",
        "good",
        "GOOD",
        "good good",
        None,
        "good",
        "é 日本 😀",
        "word1\tword2\n",
        "&amp; http://example.org @ana",
    ),
    " ".join(["word7"] * 200),
    "x" * 50_000,
]


RAISE = (
    "the scoring code gives other {} than it did as version {}. If that is meant, raise SCORING_VERSION in "
    "tasks/core/runs/scoring_inputs.py and run: python -m tests.core.inference.golden"
)
CLOSE = 1e-5
"""By so much the fp32 scores of another kind of machine may differ."""


def kind_of_machine() -> str:
    """Return what may change the last bits of scores: instruction sets and versions of libraries."""
    versions = " ".join(f"{name}-{version}" for name, version in library_versions().items())
    return f"{' '.join(cpu_features())} {versions}"


def plan_golden(folder: Path) -> Plan:
    """Plan the scoring of the fixed texts by the fixed models below a folder."""
    (folder / "texts").mkdir(parents=True)
    ids = pa.array(range(10**15, 10**15 + len(TEXTS)), pa.int64())
    pq.write_table(pa.table({"tweet_id": ids, "text": TEXTS}), folder / "texts" / "a.parquet", row_group_size=30)
    engines: dict[str, EngineModel] = {label: read_engine_model(ENGINES / label) for label in ("positive", "negative")}
    settings = Inference(output_path=folder, shard_rows=30, batch_tokens=512)
    return plan_of(Sample(path=folder / "texts"), engines, settings)


def score_golden(folder: Path) -> dict[str, Any]:
    """Score the fixed texts and return what comes out: tokens and batches, and scores as exact numbers."""
    plan, run = plan_golden(folder), RunFolder(folder / "run")
    write_plan(plan, run)
    for shard in plan.shards:
        score_shard(plan, shard, run)
    labels = [use.label for use in plan.engines]
    parts = {label: [read_part(run.output_path(label, shard.number)) for shard in plan.shards] for label in labels}
    scores = {label: [score for part in found for score in part["score"].to_pylist()] for label, found in parts.items()}
    return {"inputs": digest(list(_inputs(plan))), "scores": scores}


def digest(content: Any) -> str:
    """Return the sha256 of JSON, in which each float stands for itself alone."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _inputs(plan: Plan) -> Iterator[list[Any]]:
    """Yield each shard's tokens, which row has which, and the batches that they are scored in."""
    for shard in plan.shards:
        texts = tokenise(plan, part_rows(read_shard(plan, shard))[0])
        lengths = np.array([len(row) for row in texts.tokens], dtype=np.int64)
        batches = plan_batches(lengths, plan.inputs.batch_tokens)
        yield [texts.tokens, texts.text_of_row.tolist(), [batch.tolist() for batch in batches]]


def complaint(found: dict[str, Any], known: dict[str, Any]) -> str | None:
    """Return what is wrong with what the scoring code gives here, beside what is known of its version, or None."""
    version = known["scoring_version"]
    if found["inputs"] != known["inputs"]:
        return RAISE.format("tokens or batches", version)
    here = known["kinds"].get(kind_of_machine())
    if here is not None:
        return None if digest(found["scores"]) == here else RAISE.format("scores", version)
    pairs = [(found["scores"][label], known["scores"][label]) for label in known["scores"]]
    same = all(np.allclose(mine, theirs, rtol=0, atol=CLOSE) for mine, theirs in pairs)
    return None if same else RAISE.format("scores", version)


def remember(found: dict[str, Any]) -> None:
    """Write down what this machine gives."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.is_file() else {"scoring_version": None}
    if known["scoring_version"] != SCORING_VERSION:
        known = {"scoring_version": SCORING_VERSION, "inputs": found["inputs"], "scores": found["scores"], "kinds": {}}
    elif why := complaint(found, known):
        raise SystemExit(why)
    known["kinds"][kind_of_machine()] = digest(found["scores"])
    write_json(GOLDEN, known)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as scratch:
        remember(score_golden(Path(scratch) / "golden"))
