"""A screened run of very long texts: the first stage is fitted to as many as fit in memory, and says so."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.core.inference import first_stage
from tasks.core.inference.certified import open_screening
from tasks.core.inference.draws_run import DrawsRun
from tasks.core.inference.first_stage import fitting_part
from tasks.core.inference.pool_texts import PoolTexts, read_drawn
from tasks.core.runs.audit.verify import Verification
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan_file import read_plan
from tasks.core.screening.draws import FIT, NAMES
from tasks.core.screening.ngram_shape import LONGEST_TEXT
from tests.support.screened_runs import score, screen, screened_plan

pytestmark = pytest.mark.slow


def drawn_of(lengths):
    """Return drawn rows of a draw to fit and one to audit, one after the other, that have no texts."""
    draw = np.tile([NAMES.index(FIT), NAMES.index("audit")], len(lengths)).astype(np.int8)
    return PoolTexts(None, 0, draw, np.repeat(np.asarray(lengths, np.int64), 2), {}, {})


@pytest.mark.parametrize(
    "lengths", [[100] * 1_000, [*range(1_000)], [5_000, *[1] * 999], [1, *[5_000] * 999], [0] * 1_000]
)
def test_an_even_part_is_fitted_to_that_keeps_within_the_bound(monkeypatch, lengths):
    monkeypatch.setattr(first_stage, "FIT_CHARACTERS", 20_000)
    drawn = drawn_of(lengths)
    chosen = np.flatnonzero(fitting_part(drawn))
    assert drawn.of(FIT)[chosen].all()
    assert len(chosen) >= 1
    assert drawn.lengths[chosen].sum() <= 20_000
    assert np.ptp(np.diff(chosen)) <= 2
    if sum(lengths) <= 20_000:
        assert len(chosen) == len(lengths)


def test_one_text_longer_than_the_bound_is_fitted_to_all_the_same(monkeypatch):
    monkeypatch.setattr(first_stage, "FIT_CHARACTERS", 10)
    assert fitting_part(drawn_of([5_000, 5_000])).sum() == 1


def test_a_pool_of_long_texts_is_fitted_to_a_part_and_the_certificate_says_so(tiny_engines, tmp_path, monkeypatch):
    monkeypatch.setattr(first_stage, "FIT_CHARACTERS", 8_000)
    plan = screened_plan(tmp_path, tiny_engines)
    folder = RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    assert 50 < certificate.fitted_texts < certificate.drawn["fit"] / 2
    assert all(said.promise for said in certificate.labels.values())
    score(plan, folder)
    assert [str(finding) for finding in Verification(folder.path).findings()] == []
    opened = open_screening(folder)
    own = RunFolder(folder.screening_path / certificate.draws_run)
    drawn = read_drawn(DrawsRun(read_plan(own), own, folder), len(plan.shards))
    assert drawn.lengths.sum() > 8_000
    assert len(drawn.as_fitted(drawn.of(FIT))) == certificate.drawn["fit"]
    assert opened.screen is not None


def test_of_a_text_no_more_is_kept_than_the_first_stage_reads(tiny_engines, tmp_path):
    plan = screened_plan(tmp_path, tiny_engines, texts=2_000, long_text="good bad " * 20_000)
    folder = RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    own = RunFolder(folder.screening_path / certificate.draws_run)
    drawn = read_drawn(DrawsRun(read_plan(own), own, folder), len(plan.shards))
    texts = drawn.as_fitted(np.ones(len(drawn.draw), dtype=bool))
    assert isinstance(texts, pa.ChunkedArray)
    assert drawn.lengths.max() == max(len(text) for text in texts.to_pylist()) == LONGEST_TEXT
    assert drawn.lengths.tolist() == [len(text) for text in texts.to_pylist()]
