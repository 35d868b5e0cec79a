"""Runs of nine texts whose scores are made up, for tests that finish thousands of them: all but the engine is real."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.engines import loading
from tasks.core.inference import scoring
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.launch_lock import launch_lock
from tasks.core.runs.manifest import Launch, read_manifest, write_manifest
from tasks.core.runs.plan import Plan
from tasks.inference import find_unfinished
from tasks.shards import score_block
from tests.support.plans import plan_of

TEXTS = ("good", "bad word", None, "good", "word1", "word2 word3", "bad", "", "good bad")
ROWS = len(TEXTS)


class QuickEngine:
    """Gives logits that follow from the number of tokens, and differ a little from time to time."""

    def logits(self, tokens: Any, _: int) -> Any:
        """Return two logits for each text."""
        shift = time.time() % 1 * 1e-3
        return np.array([[0.0, len(text) / 8 + shift] for text in tokens], dtype=np.float32)


def quick_plan(folder: Path, engines: Any) -> Plan:
    """Plan the nine texts in three shards, of which the first has a row that cannot be scored."""
    folder.mkdir()
    pq.write_table(pa.table({"tweet_id": range(ROWS), "text": list(TEXTS)}), folder / "a.parquet")
    settings = Inference(output_path=Path("runs"), shard_rows=4, batch_tokens=512)
    return plan_of(Sample(path=folder), engines, settings)


@contextmanager
def quick_engines(plan: Plan) -> Iterator[None]:
    """Score a plan's shards without its engines."""
    models = {use.folder: loading.open_engine(use.folder, False, use.seal)[0] for use in plan.engines}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "open_engine", lambda folder, *_: (models[folder], QuickEngine()))
        yield


def launch(plan: Plan, folder: RunFolder) -> None:
    """Do as the flow does, in one thread."""
    with launch_lock(folder.path) as token:
        if rows := find_unfinished(plan, folder):
            score_block.fn(str(folder.path), tuple(shard.number for shard in plan.shards), token)
        write_manifest(plan, folder, Launch(rows, 1.0))


def require_clean(plan: Plan, folder: RunFolder) -> None:
    """Assert that a run is finished and sound, and that nothing is left of those who died."""
    manifest = read_manifest(plan, folder)
    assert manifest is not None
    counts = manifest["counts"]
    assert (counts["rows_in"], counts["rows_quarantined"], set(counts["rows_out"].values())) == (ROWS, 1, {ROWS - 1})
    assert [str(finding) for finding in Verification(folder.path).findings()] == []
    assert not [path.name for path in folder.path.iterdir() if path.name.startswith(".")]
    assert not folder.launch_path.exists()
    assert not list(folder.path.glob("running/*"))
