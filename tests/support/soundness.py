"""What every drill ends with: the undisturbed run's scores, every row once, and a run folder that verifies."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan

Scores = dict[str, tuple[list[int], bytes]]
"""By a part's path in its run folder: its ids, and its scores' bytes, in the order of the file."""


def read_scores(folder: RunFolder) -> Scores:
    """Read every part of a run."""
    return {
        path.relative_to(folder.path).as_posix(): _content(path)
        for path in sorted(folder.path.glob("output/*/part-*.parquet"))
    }


def _content(path: Path) -> tuple[list[int], bytes]:
    table = pq.read_table(path)
    assert table.schema.names == ["tweet_id", "score"]
    assert table.schema.field("score").type == pa.float64()
    return table["tweet_id"].to_pylist(), table["score"].to_numpy().tobytes()


def require_sound(folder: RunFolder, undisturbed: Scores) -> None:
    """Assert that a run came out as the undisturbed one did, to the last bit of every score."""
    scores = read_scores(folder)
    assert scores.keys() == undisturbed.keys()
    different = [name for name, content in scores.items() if content != undisturbed[name]]
    assert different == []
    _require_balance(folder)
    _require_every_row_once(folder, scores)
    assert wrong_in(folder) == []


def wrong_in(folder: RunFolder) -> list[str]:
    """Return what a verification finds; temporary files of killed workers are none of it, for they only take space."""
    return [str(finding) for finding in Verification(folder.path).findings() if finding.is_error]


def _require_balance(folder: RunFolder) -> None:
    counts = json.loads(folder.manifest_path.read_text())["counts"]
    plan = read_plan(folder)
    assert counts["rows_in"] == plan.rows
    assert counts["rows_out"].keys() == {use.label for use in plan.engines}
    for rows_out in counts["rows_out"].values():
        assert rows_out + counts["rows_quarantined"] == counts["rows_in"]


def _require_every_row_once(folder: RunFolder, scores: Scores) -> None:
    plan = read_plan(folder)
    files = {plan.input_path(shard) for shard in plan.shards}
    expected = Counter(number for path in files for number in pq.read_table(path)["tweet_id"].to_pylist())
    quarantined = [
        number for path in folder.path.glob("quarantine/*.parquet") for number in pq.read_table(path)[0].to_pylist()
    ]
    assert max(expected.values()) == 1
    for use in plan.engines:
        scored = [number for name, (ids, _) in scores.items() if f"/{use.label}/" in name for number in ids]
        assert Counter(scored + quarantined) == expected
