"""A linear screen finds what n-grams tell of the expert, and comes back from its folder to the last bit."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file
from sklearn.linear_model import Ridge

from tasks.core.base.errors import FormatError, InputDataError, MachineError, ModelFolderError, TornRecordError
from tasks.core.base.files import sha256_of_file
from tasks.core.base.formats import write_record
from tasks.core.screening.linear_screen import LinearScreen, fit_screen
from tasks.core.screening.ngram_features import find_buckets, text_bytes
from tasks.core.screening.ngram_shape import NgramShape
from tasks.core.screening.ridge_fit import Rows, fit_ridge
from tasks.core.screening.screen_folder import SAVED_SCREEN, load_screen, save_screen

WORDS = ["job", "lost", "hired", "today", "sun", "rain", "coffee", "work", "boss", "music", "game", "home"]
LABELS = ("lost_job", "is_hired")


@pytest.fixture(scope="module")
def texts():
    random = np.random.default_rng(0)
    return pa.array([" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(3_000)])


@pytest.fixture(scope="module")
def log_odds(texts):
    found = [[3.0 * ("lost" in t) + ("job" in t) - 4, 5.0 * ("hired" in t) - 3] for t in texts.to_pylist()]
    return np.array(found) + np.random.default_rng(1).normal(size=(len(found), 2)) * 0.3


@pytest.fixture(scope="module")
def screen(texts, log_odds):
    return fit_screen(texts.slice(0, 2_000), log_odds[:2_000], LABELS, NgramShape(bits=14), floor=0)


def test_it_ranks_unseen_texts_as_the_expert_does(screen, texts, log_odds):
    found = screen.score(texts.slice(2_000))
    for label in range(2):
        assert np.corrcoef(found[:, label], log_odds[2_000:, label])[0, 1] > 0.9


def test_how_hopeless_a_text_is_makes_no_difference_below_the_floor(texts, log_odds):
    """A screen is not taught to tell the lower nine tenths apart: so it passes fewer for the same top."""
    floored = np.maximum(log_odds, np.quantile(log_odds, 0.9, axis=0, method="lower"))
    one, other = (fit_screen(texts, odds, LABELS, NgramShape(bits=10)) for odds in (log_odds, floored))
    assert (one.weights == other.weights).all()
    assert not (one.weights == fit_screen(texts, log_odds, LABELS, NgramShape(bits=10), floor=0.5).weights).all()


def test_all_labels_at_once_are_each_label_alone(screen, texts, log_odds):
    alone = fit_screen(texts.slice(0, 2_000), log_odds[:2_000, 1:], LABELS[1:], NgramShape(bits=14), floor=0)
    assert np.allclose(alone.score(texts)[:, 0], screen.score(texts)[:, 1], atol=1e-3)


def test_weights_are_those_of_ridge_regression(texts, log_odds):
    """The same features as a dense matrix, solved by scikit-learn."""
    starts, buckets = find_buckets(text_bytes(texts), NgramShape(bits=8))
    dense = np.zeros((len(texts), 256))
    for row, (begin, end) in enumerate(itertools.pairwise(starts)):
        np.add.at(dense[row], buckets[begin:end], 1 / np.sqrt(end - begin))
    weights, base = fit_ridge(Rows(starts, buckets, 256), log_odds, penalty=2.0, steps=500)
    solved = Ridge(alpha=2.0).fit(dense, log_odds)
    assert np.abs(weights.T - solved.coef_).max() < 0.01
    assert np.abs(base - solved.intercept_).max() < 0.01


def test_scores_do_not_depend_on_the_texts_beside(screen, texts):
    whole = screen.score(texts)
    parts = np.concatenate([screen.score(texts.slice(begin, 700)) for begin in range(0, len(texts), 700)])
    assert (whole == parts).all()
    assert screen.score(pa.array(["", None, "  "])).tolist() == [screen.base.tolist()] * 3


def test_a_fit_gives_the_same_weights_again(screen, texts, log_odds):
    again = fit_screen(texts.slice(0, 2_000), log_odds[:2_000], LABELS, NgramShape(bits=14), floor=0)
    assert (again.weights == screen.weights).all()
    assert (again.units == screen.units).all()


def test_a_label_whose_expert_says_one_thing_is_fitted_by_that(texts):
    constant = fit_screen(texts, np.full((len(texts), 1), -2.5), ("a",), NgramShape(bits=10))
    assert constant.score(texts) == pytest.approx(-2.5)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (np.full((3_000, 2), np.inf), "log-odds of 'lost_job' for text 0 of the fitting draw is inf"),
        (np.zeros((2_999, 2)), "3000 texts and 2 labels were given, with log-odds of shape"),
    ],
)
def test_log_odds_that_are_missing_or_no_numbers_are_refused(texts, wrong, problem):
    with pytest.raises(InputDataError, match=problem):
        fit_screen(texts, wrong, LABELS)


CANARIES = ["lost my job today", "É tarde", "", "got hired 😀"]


@pytest.fixture
def folder(screen, tmp_path):
    save_screen(tmp_path / "screen", screen, CANARIES)
    return tmp_path / "screen"


def test_it_comes_back_to_the_last_bit(screen, folder, texts):
    found = load_screen(folder)
    assert (found.labels, found.shape) == (screen.labels, screen.shape)
    assert (found.score(texts) == screen.score(texts)).all()


def change_record(folder, **changes):
    said = json.loads((folder / "screen.json").read_text())
    content = {key: value for key, value in said.items() if key not in ("format", "written_by", "checksum")}
    write_record(folder / "screen.json", SAVED_SCREEN, {**content, **changes})


def test_canaries_that_score_otherwise_are_named(folder):
    scores = json.loads((folder / "screen.json").read_text())["canary_scores"]
    scores[1][0] = float(np.nextafter(scores[1][0], 9))
    change_record(folder, canary_scores=scores)
    with pytest.raises(MachineError, match=r"1 of 4 canaries other scores .*'É tarde'"):
        load_screen(folder)


def test_other_weights_are_refused_by_their_digest(folder, screen):
    other = {"weights": -screen.weights, "units": screen.units, "base": screen.base}
    save_file(other, folder / "screen.safetensors")
    with pytest.raises(ModelFolderError, match=r"is not the file that screen\.json beside it names"):
        load_screen(folder)


def test_weights_of_another_shape_are_refused(folder, screen):
    kept = {"weights": screen.weights[:100].copy(), "units": screen.units, "base": screen.base}
    save_file(kept, folder / "screen.safetensors")
    change_record(folder, weights_sha256=sha256_of_file(folder / "screen.safetensors"))
    with pytest.raises(ModelFolderError, match="another screen's"):
        load_screen(folder)


def test_weights_that_are_no_safetensors_are_refused(folder):
    (folder / "screen.safetensors").write_bytes(b"\x10torn")
    change_record(folder, weights_sha256=sha256_of_file(folder / "screen.safetensors"))
    with pytest.raises(ModelFolderError, match="cannot be read as a screen's weights"):
        load_screen(folder)


@pytest.mark.parametrize("name", ["screen.json", "screen.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=name):
        load_screen(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": {"shortest": 5, "longest": 3, "words": 1, "bits": 14}},
        {"shape": {"shortest": 3, "longest": 5, "words": 1, "bits": 99}},
        {"shape": {"shortest": 3}},
        {"canary_scores": [[0.0]]},
    ],
)
def test_a_record_that_says_nonsense_is_torn(folder, changes):
    change_record(folder, **changes)
    with pytest.raises(TornRecordError, match="cannot be read as a screen of format 1"):
        load_screen(folder)


def test_a_newer_format_is_refused(folder):
    said = json.loads((folder / "screen.json").read_text())
    (folder / "screen.json").write_text(json.dumps({**said, "format": 2}))
    with pytest.raises(FormatError, match="is of format 2"):
        load_screen(folder)


def test_a_screen_without_canaries_is_not_written(screen, tmp_path):
    with pytest.raises(ModelFolderError, match="without canaries"):
        save_screen(tmp_path / "none", screen, [])
    assert not (tmp_path / "none").exists()


def test_a_folder_may_be_written_again(screen, folder):
    other = LinearScreen(screen.labels, screen.shape, screen.weights // 2, screen.units, screen.base)
    save_screen(folder, other, CANARIES)
    assert (load_screen(folder).weights == other.weights).all()
