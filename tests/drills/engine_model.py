"""A new version of an engine model in the drills' registry, for as long as a drill needs it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from safetensors.torch import load_file, save_file

from infra.services.settings import ServiceSettings
from tasks.core.round.round_file import read_round
from tasks.records.registry import Registration, fetch_folder, find_version, register_folder
from tests.support.tiny_conversion import convert_tiny


@contextmanager
def another_engine_model(settings: ServiceSettings, round_file: Path, folder: Path) -> Iterator[str]:
    """Register other weights as the newest engine model of the round's first label, and have the old one back after.

    Yields:
        The label.
    """
    round_ = read_round(round_file)
    label = next(iter(round_.active_labels))
    name, alias, models = round_.registered_model(label), round_.engine_alias, round_.work_path / "models"
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in settings.environment.items():
            patch.setenv(variable, value)
        checkpoint = with_other_weights(
            fetch_folder(find_version(name, round_.checkpoint_alias), models), folder / "checkpoint"
        )
        engine = convert_tiny(checkpoint, (label,), folder / "engine")[label]
        old = find_version(name, alias)
        tags = {key: value for key, value in old.tags.items() if key == "source_version"}
        made = Registration(name, alias, Path(engine.folder), old.run_id, "another-engine", tags)
        assert register_folder(made, models).version != old.version
        try:
            yield label
        finally:
            MlflowClient(settings.mlflow_ui).set_registered_model_alias(name, alias, old.version)


def with_other_weights(checkpoint: Path, folder: Path) -> Path:
    """Copy a checkpoint and turn its classifier round; the tokenizer stays, for the labels of a round share it."""
    shutil.copytree(checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    weights["classifier.weight"] = -weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder
