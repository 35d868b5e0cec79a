"""A pretraining on sentences that follow a pattern."""

import dataclasses

import pytest

from tasks.core.pretraining import pretraining_plan as planning
from tasks.core.round.round_file import read_round
from tests.support.pretraining_texts import PATTERNS, write_texts

SETTINGS = {
    "heldout_texts": 40,
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 5.0e-3,
    "block_length_tokens": 32,
}


@pytest.fixture
def make_plan(make_round, tiny_bert, tmp_path):
    """Return a function that plans a pretraining on texts; keyword arguments change its settings."""

    def make(texts=PATTERNS, base_model=tiny_bert, preprocessing="none", **changes):
        write_texts(tmp_path / "patterns" / "part.parquet", texts)
        section = {"base_model": str(base_model), "sample": "patterns"} | SETTINGS | changes
        samples = {"evaluation": {"path": str(tmp_path / "sample")}, "patterns": {"path": str(tmp_path / "patterns")}}
        path = make_round(pretraining=section, samples=samples, preprocessing=preprocessing)
        return planning.make_plan(read_round(path), str(base_model))

    return make


@pytest.fixture
def elsewhere(tmp_path):
    """Return a function that gives a plan another root."""
    return lambda plan, name: dataclasses.replace(plan, root=str(tmp_path / name))
