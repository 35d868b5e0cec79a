"""However a sample is cut and whatever befalls its run, each id is in output or quarantine as often as in the input."""

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tasks.core.base.errors import RunFolderError
from tasks.core.engines.loading import open_engine, open_tokenizer
from tasks.core.inference.scoring import score_shard
from tasks.core.round.inference_section import Inference
from tasks.core.round.sections import Sample
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan_file import read_plan, write_plan
from tasks.core.runs.shards.wholeness import unfinished_shards
from tests.support.drawn_runs import TEXTS, damage, drawn_runs, is_scorable, killed_at, known_id
from tests.support.plans import plan_of

EXAMPLES = int(os.environ.get("WINNOW_PROPERTY_EXAMPLES", "40"))
"""Up to 40 are always the same, and one that fails is shown as it is; more are drawn anew each time, and made small."""
LAUNCHES = 8
"""A run that is not finished by then does not mend itself."""


class Run:
    """A run below tasks.core: planned, scored, damaged and resumed as its files are."""

    def __init__(self, sample, folder, engines, shard_rows, limit):
        self.folder = RunFolder(folder)
        cut = Inference(output_path=folder.parent, shard_rows=shard_rows, batch_tokens=512)
        write_plan(plan_of(sample, engines, cut, limit), self.folder)
        self.plan = read_plan(self.folder)

    def befall(self, fault):
        """Let a fault happen to one of the shards, or to one of the files that the run has by now."""
        kind, which, *how = fault
        if kind in ("score", "kill"):
            with killed_at(*(how or [10**6])):
                score_shard(self.plan, self.plan.shards[which % len(self.plan.shards)], self.folder)
            return
        # An altered receipt is not found by itself: only its shard's files have checksums.
        parts = [] if kind == "alter" else ["receipts/*.json", "manifest.json"]
        found = sorted(
            path for glob in ("output/*/*.parquet", "quarantine/*.parquet", *parts) for path in self.glob(glob)
        )
        if found:
            damage(found[which % len(found)], kind, *how)

    def glob(self, pattern):
        return (path for path in self.folder.path.glob(pattern) if not path.name.startswith("."))

    def finish(self):
        """Launch until there is a manifest; between launches, do as the errors say: delete what was altered."""
        for _ in range(LAUNCHES):
            for number in unfinished_shards(self.plan, self.folder):
                score_shard(self.plan, self.plan.shards[number], self.folder)
            try:
                return write_manifest(self.plan, self.folder, Launch(0, 1.0))
            except RunFolderError:
                self.delete_what_verify_finds()
        raise AssertionError("the run does not get finished")

    def delete_what_verify_finds(self):
        for finding in Verification(self.folder.path).findings():
            if finding.kind in ("torn", "altered", "misplaced", "miscounted"):
                (self.folder.path / finding.path).unlink()

    def read(self, pattern):
        parts = sorted(self.glob(pattern))
        return pa.concat_tables([pq.read_table(path) for path in parts]) if parts else None


@pytest.fixture(scope="module")
def scores_of_texts(tiny_engines):
    """Each text's score by label, from the engine alone."""
    return {label: {text: score_of(model, text.decode()) for text in TEXTS} for label, model in tiny_engines.items()}


def score_of(model, text):
    tokenizer = open_tokenizer(str(model.tokenizer_path), model.max_length_tokens)
    other, positive = open_engine(model.folder)[1].logits([tokenizer.encode(text).ids])[0].astype(np.float64)
    return 1 / (1 + np.exp(other - positive))


def check_rows(run, drawn, expected):
    """Each row is in every label's output, with the score of its own text, or in quarantine: as often, in its order."""
    rows = drawn.rows()
    scorable = [row for row in rows if is_scorable(row)]
    quarantine = run.read("quarantine/*.parquet")
    kept = (
        []
        if quarantine is None
        else list(zip(*(quarantine[name].to_pylist() for name in ("tweet_id", "text")), strict=True))
    )
    assert kept == [(known_id(id_), text) for id_, text in rows if not is_scorable((id_, text))]
    scores = {}
    for use in run.plan.engines:
        table = run.read(f"output/{use.label}/*.parquet")
        assert table["tweet_id"].to_pylist() == [id_ for id_, _ in scorable]
        assert Counter(table["tweet_id"].to_pylist() + [id_ for id_, _ in kept]) == Counter(
            known_id(id_) for id_, _ in rows
        )
        scores[use.label] = table["score"].to_numpy()
        own = [expected[use.label][text] for _, text in scorable]
        np.testing.assert_allclose(scores[use.label], own, rtol=0, atol=1e-6)
    return scores


def check_counts(manifest, drawn):
    rows = drawn.rows()
    ids = [id_ for id_, _ in rows if known_id(id_) is not None]
    scorable = sum(map(is_scorable, rows))
    counts = manifest["counts"]
    assert counts["rows_in"] == len(rows)
    assert counts["rows_out"] == {"positive": scorable, "negative": scorable}
    assert counts["rows_quarantined"] == len(rows) - scorable
    assert counts["duplicate_ids"] == len(ids) - len(set(ids))


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 40,
    phases=(Phase.generate,) if EXAMPLES <= 40 else tuple(Phase),
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(drawn=drawn_runs())
@pytest.mark.timeout(0)
def test_each_id_is_accounted_for_as_often_as_it_is_in_the_input(tiny_engines, scores_of_texts, drawn):
    with TemporaryDirectory() as place:
        sample = Sample(path=drawn.write(Path(place) / "sample"))
        run = Run(sample, Path(place) / "run", tiny_engines, drawn.shard_rows, drawn.limit)
        for fault in drawn.faults:
            run.befall(fault)
        check_counts(run.finish(), drawn)
        for fault in drawn.late_faults:
            run.befall(fault)
        check_counts(run.finish(), drawn)
        scores = check_rows(run, drawn, scores_of_texts)
        assert {finding.kind for finding in Verification(run.folder.path).findings()} <= {"left-over"}

        other = Run(sample, Path(place) / "other", tiny_engines, drawn.other_shard_rows, drawn.limit)
        other.finish()
        for label, again in check_rows(other, drawn, scores_of_texts).items():
            np.testing.assert_allclose(again, scores[label], rtol=0, atol=1e-6)
