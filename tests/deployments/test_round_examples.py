"""The gallery of round files: each can be read, names cluster profiles that exist, and explains itself."""

from pathlib import Path

import pytest

from infra.clusters.profiles import read_profile
from tasks.core.round.round_file import read_round

ROUNDS = Path(__file__).parents[2] / "deployments" / "rounds"
EXAMPLES = sorted((ROUNDS / "examples").glob("*.yaml"))
SHOWN = {
    "several labels with soft targets": lambda round_: (
        (round_.training.head, round_.labelled_data.targets) == ("multi_label", "soft")
    ),
    "classes": lambda round_: round_.training.head == "multi_class",
    "another country's models": lambda round_: round_.model_country not in {None, round_.country},
    "training on GPUs of a SLURM cluster": lambda round_: round_.clusters.training == "slurm-gpu",
    "one of several countries in a file": lambda round_: bool(round_.labelled_data.where),
    "a hub model pinned by its commit": lambda round_: len(round_.base_model.partition("@")[2]) == 40,
    "a search": lambda round_: round_.training.search.strategy != "none",
    "pretraining": lambda round_: round_.pretraining is not None,
    "distillation": lambda round_: round_.distillation is not None,
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_names_profiles_that_exist(path):
    round_ = read_round(path)
    for profile in round_.clusters.model_dump().values():
        assert read_profile(profile)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_says_what_it_shows_and_explains_its_choices(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert sum(" # " in line for line in lines) >= 3
    assert max(map(len, lines)) <= 120
    assert f"(examples/{path.name})" in (ROUNDS / "README.md").read_text(), "the gallery's table lists every example"


@pytest.mark.parametrize("shown", SHOWN)
def test_the_gallery_shows(shown):
    assert any(SHOWN[shown](read_round(path)) for path in EXAMPLES)


def test_three_countries_share_one_file_and_no_row():
    rounds = [read_round(path) for path in EXAMPLES if path.stem.endswith("-emotions")]
    assert len({round_.country for round_ in rounds}) == 3
    assert len({round_.labelled_data.path for round_ in rounds}) == 1
    assert len({round_.labelled_data.where["lang"] for round_ in rounds}) == 3
    assert len({frozenset(round_.labels) for round_ in rounds}) == 1


def test_a_round_scored_by_another_countrys_models_finds_their_round_beside_it():
    round_ = read_round(ROUNDS / "examples" / "ar-iter1.yaml")
    models = read_round(ROUNDS / "examples" / f"{round_.model_round}.yaml")
    assert models.engine_alias == round_.engine_alias
    assert [models.registered_model(label) for label in models.active_labels] == [
        round_.registered_model(label) for label in round_.active_labels
    ]
