"""A round whose sample two experts a label have scored, each a run of its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.corpus.sample.listing import list_sample
from tasks.core.engines.model_folder import EngineModel
from tasks.core.inference.scoring import score_shard
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.manifest import Launch, write_manifest
from tasks.core.runs.plan import make_plan
from tasks.core.runs.plan_file import write_plan
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.train_seed import train_seed
from tests.support.plans import engine_uses
from tests.support.round_files import write_round
from tests.support.studies import prepare_study
from tests.support.tiny_conversion import convert_tiny

SETTINGS = {"texts": 300, "heldout_texts": 200, "learning_rate": 5e-3, "tops": [0.05]}


@pytest.fixture(scope="session")
def expert_engines(tiny_bert, tmp_path_factory) -> list[dict[str, EngineModel]]:
    """Engine models of two trained seeds of each label: they tell good words from bad ones."""
    root = tmp_path_factory.mktemp("experts")
    training = {"seeds": [1, 2], "epochs": 8, "learning_rate": 5e-3, "max_length_tokens": 32}
    round_ = read_round(write_round(root, tiny_bert, training=training))
    experts: list[dict[str, EngineModel]] = [{}, {}]
    for label in round_.active_labels:
        for expert, plan in zip(experts, plan_seeds(round_, prepare_study(round_, label), str(tiny_bert)), strict=True):
            train_seed(plan, lambda *_: None)
            folder = root / f"{label}-{plan.seed}"
            folder.mkdir()
            expert.update(convert_tiny(plan.folder, (label,), folder / "engine"))
    return experts


@pytest.fixture
def taught_round(make_round) -> Round:
    """A round of 600 texts with a section of distillation."""
    return read_round(make_round(sample_rows=600, distillation=SETTINGS))


@pytest.fixture
def score(taught_round) -> Callable[..., Path]:
    """Return a function that scores the round's sample with engine models by label, and returns the run folder."""

    def run(engines: dict[str, EngineModel], name: str = "main", **limits: int | None) -> Path:
        sample, settings = taught_round.samples["evaluation"], taught_round.inference
        limit = limits.get("limit")
        plan = make_plan("evaluation", sample, list_sample(sample), engine_uses(engines), settings, limit)
        plan = replace(plan, round_name=taught_round.name)
        folder = RunFolder(settings.output_path / run_folder_name("iter0", 0, name, plan.run_id, "evaluation"))
        write_plan(plan, folder)
        for shard in plan.shards:
            score_shard(plan, shard, folder)
        write_manifest(plan, folder, Launch(plan.rows, 1.0))
        return folder.path

    return run


@pytest.fixture
def runs(score, expert_engines) -> list[Path]:
    """A run of each expert."""
    return [score(engines) for engines in expert_engines]
