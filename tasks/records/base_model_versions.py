"""Base models by reference: `models:/us.base@iter0` stands for a registered one, anything else for itself."""

import re
from pathlib import Path

from tasks.core.base.errors import RegistryError
from tasks.core.base.naming import BASE_MODEL_NAME, models_folder
from tasks.core.round.model import Round
from tasks.records.registry import fetch_folder, find_version

KIND = "base_model"
SCHEME = "models:/"
REFERENCE = re.compile(rf"^{SCHEME}(?P<name>(?P<country>[a-z0-9_]+)\.{BASE_MODEL_NAME})@(?P<alias>[\w-]+)$")


def local_base_model(round_: Round) -> str:
    """Return the folder or hub id of the round's base model; a registered one is fetched.

    Raises:
        RegistryError: the reference is none of a base model, or the registry does not hold it.
    """
    return fetch_base_model(round_.base_model, models_folder(round_.work_path))


def fetch_base_model(base_model: str, models: Path) -> str:
    """Return a base model as it is, or the folder below `models` that a reference was fetched into.

    Raises:
        RegistryError: the reference is none of a base model, or the registry does not hold it.
    """
    if not base_model.startswith(SCHEME):
        return base_model
    reference = REFERENCE.match(base_model)
    if reference is None:
        raise RegistryError(
            f"base_model is '{base_model}', but a registered base model is named models:/<country>.{BASE_MODEL_NAME}"
            "@<alias>, such as models:/us.base@iter0"
        )
    version = find_version(reference["name"], reference["alias"])
    if version is None:
        raise RegistryError(
            f"base_model is '{base_model}', but the registry has no '{reference['name']}' with alias "
            f"'{reference['alias']}'. Run: prefect deployment run pretraining/{reference['country']}"
        )
    if version.tags.get("kind") != KIND:
        raise RegistryError(
            f"base_model is '{base_model}', but that is version {version.version} of kind "
            f"'{version.tags.get('kind')}', not {KIND}. Set the alias on a version that pretraining registered, or "
            f"run: prefect deployment run pretraining/{reference['country']}"
        )
    return str(fetch_folder(version, models))
