"""Pools that are hard to screen: a topic whose words n-grams do not reach, and texts that changed after the draws."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from deployments.commands.status import describe
from tasks.core.base.files import sha256_of_file
from tasks.core.base.naming.file_names import SCREEN_FILE
from tasks.core.inference.certified import open_screening, screen_folder
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.parts import list_parts, read_part
from tasks.core.runs.status.read_status import read_status
from tasks.core.screening.certificate import read_certificate, write_certificate
from tasks.core.screening.ngram_shape import LONGEST_TEXT
from tests.support.screened_runs import plan_below, score, screen, write_pool
from tests.support.tiny import WORDS, make_sentences

pytestmark = pytest.mark.slow

TEXTS = 3_000
CURTAIN = " " * LONGEST_TEXT
"""An expert's tokenizer drops it, and n-grams are made of nothing else."""
LABELS = ("positive", "negative")


def behind_the_curtain(sentences, hidden, seen=""):
    """Put the sentences that are hidden where an expert reads them and n-grams do not, which have `seen` alone."""
    return [seen + CURTAIN + text if hide else text for text, hide in zip(sentences, hidden, strict=True)]


def full_scores(plan, folder):
    """Score every text of a plan's sample; return the scores by label."""
    inputs = replace(plan.inputs, screening=None)
    whole = replace(plan, inputs=inputs, run_id=inputs.run_id)
    score(whole, folder)
    return {label: column(whole, folder, label, "score") for label in LABELS}


def column(plan, folder, label, name):
    return np.array(pa.concat_tables([read_part(path) for path in list_parts(plan, folder, label)])[name].to_pylist())


def by_expert(plan, folder, label):
    """Say which rows have the expert's score."""
    return column(plan, folder, label, "stage") != "ngrams"


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_of_a_topic_whose_half_n_grams_cannot_see_no_more_is_lost_than_stated(tiny_engines, tmp_path, share):
    hidden = np.random.default_rng(0).random(TEXTS) < share
    write_pool(tmp_path, behind_the_curtain(make_sentences(TEXTS, seed=3), hidden))
    plan, folder = plan_below(tmp_path, tiny_engines), RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    manifest = score(plan, folder)
    whole = full_scores(plan, RunFolder(tmp_path / "whole"))
    for label, said in certificate.labels.items():
        reached = by_expert(plan, folder, label)
        assert reached[whole[label] >= (said.top_from if not said.off else 0)].mean() >= certificate.recall
        assert said.off or reached[hidden].all()
        assert reached.mean() >= share
    assert manifest["screening"]["verdict"] != "promise not kept"


SECOND_HALF = np.arange(TEXTS) >= TEXTS // 2


def drifted_plan(engines, folder, seen=""):
    """Write a sample whose second file hides what it is about, and plan to screen it."""
    write_pool(folder, behind_the_curtain(make_sentences(TEXTS, seed=3), SECOND_HALF, seen))
    return plan_below(folder, engines, audit_texts=400)


def test_a_drift_within_the_pool_is_drawn_from_too_and_costs_experts_instead_of_recall(tiny_engines, tmp_path):
    plan, folder = drifted_plan(tiny_engines, tmp_path), RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    manifest = score(plan, folder)
    whole = full_scores(plan, RunFolder(tmp_path / "whole"))
    for label, said in certificate.labels.items():
        reached = by_expert(plan, folder, label)
        assert reached[whole[label] >= said.top_from].mean() >= certificate.recall
        assert reached[SECOND_HALF].all()
    assert manifest["screening"]["verdict"] == "promise kept"


@pytest.fixture
def before(tiny_engines, tmp_path):
    """The run folder of a pool that did not drift, screened."""
    write_pool(tmp_path / "before", make_sentences(TEXTS, seed=3))
    folder = RunFolder(tmp_path / "before" / "run")
    screen(plan_below(tmp_path / "before", tiny_engines), folder)
    return folder


def dull_word(before) -> str:
    """Return a word that no label's first stage lets pass."""
    screening = open_screening(before)
    over = screening.screen.score(pa.array(WORDS, pa.large_string())) - thresholds_of(screening)
    word = int(over.max(axis=1).argmin())
    assert over[word].max() < 0
    return WORDS[word]


def thresholds_of(screening):
    return [screening.certificate.labels[label].threshold for label in screening.screen.labels]


def test_a_drift_after_the_draws_is_told_by_the_audit_in_manifest_and_status(before, tiny_engines, tmp_path):
    """The certificate is of a pool like the first half alone, as if the second had come later."""
    plan, folder = drifted_plan(tiny_engines, tmp_path, dull_word(before)), RunFolder(tmp_path / "run")
    certificate = screen(plan, folder)
    shutil.rmtree(screen_folder(folder))
    shutil.copytree(screen_folder(before), screen_folder(folder))
    sha256, told = sha256_of_file(screen_folder(folder) / SCREEN_FILE), read_certificate(before.certificate_path)
    write_certificate(folder.certificate_path, replace(certificate, labels=told.labels, screen_sha256=sha256))
    score(plan, folder)
    found = json.loads(folder.manifest_path.read_text())["screening"]
    assert found["verdict"] == "promise not kept"
    for label in LABELS:
        assert found["labels"][label]["audit"]["verdict"] == "not kept"
        assert found["labels"][label]["audit"]["missed_share"] > 1 - certificate.recall
    said = describe(read_status(folder.path))
    assert "screening: promise not kept" in said
    assert "promise not kept." in said
