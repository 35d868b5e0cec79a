"""Which texts are learnt from and which judged on, and that a row's text is its own."""

import numpy as np
import pytest

from tasks.core.base.errors import InputDataError
from tasks.core.distillation.expert_scores import ExpertRunFolder
from tasks.core.distillation.lesson_draw import draw_rows
from tasks.core.distillation.scored_texts import texts_of
from tasks.core.round.distillation_section import Distillation
from tasks.core.runs.parts import list_parts, read_part
from tests.support.run_texts import TEXTS

RANDOM = np.random.default_rng(3)
SCORES = np.stack([RANDOM.random(10_000), RANDOM.random(10_000)], axis=1)
SETTINGS = Distillation(texts=600, heldout_texts=2_000, top_share=0.05)


def test_nothing_is_learnt_from_that_is_judged_on_and_half_is_of_the_top():
    draw = draw_rows(SCORES[:, :1], SETTINGS)
    assert (len(draw.learnt), len(draw.heldout)) == (600, 2_000)
    assert not set(draw.learnt) & set(draw.heldout)
    top = (SCORES[draw.learnt, 0] >= np.quantile(SCORES[:, 0], 0.95)).sum()
    assert 300 <= top < 340
    assert abs((SCORES[draw.heldout, 0] >= 0.95).mean() - 0.05) < 0.02
    again = draw_rows(SCORES[:, :1], SETTINGS)
    assert again.learnt.tolist() == draw.learnt.tolist()


def test_each_label_has_its_part_of_the_top():
    draw = draw_rows(SCORES, SETTINGS)
    for column in SCORES.T:
        assert (column[draw.learnt] >= np.quantile(column, 0.95)).sum() >= 150


def test_a_top_that_is_too_small_is_taken_whole():
    draw = draw_rows(SCORES[:, :1], SETTINGS.model_copy(update={"top_share": 0.01}))
    assert len(draw.learnt) == len(set(draw.learnt)) == 600
    best = set(np.flatnonzero(SCORES[:, 0] >= np.quantile(SCORES[:, 0], 0.99))) - set(draw.heldout)
    assert best <= set(draw.learnt)


def test_too_few_scored_texts_are_told():
    with pytest.raises(InputDataError, match=r"takes 600 texts to learn from and 2000 .* have scored 2500"):
        draw_rows(SCORES[:2_500], SETTINGS)


def test_a_rows_text_is_found_by_its_place_beside_rows_without_a_score(make_run):
    plan, folder = make_run()
    run = ExpertRunFolder(plan, folder, {"positive": "positive"})
    scored = [text for text in TEXTS if text is not None]
    rows = np.array([0, 39, 40, 89, 90, 91, 92, 93, 94])
    assert texts_of(run, rows) == [scored[row] for row in rows]


def test_a_score_of_an_id_that_is_not_there_is_refused(make_run):
    plan, folder = make_run()
    path = list_parts(plan, folder, "positive")[1]
    first = list_parts(plan, folder, "positive")[0]
    path.write_bytes(first.read_bytes())
    assert read_part(path).num_rows == 40
    with pytest.raises(InputDataError, match=r"has a score for the id .*, which is not at its place"):
        texts_of(ExpertRunFolder(plan, folder, {"positive": "positive"}), np.array([50]))
