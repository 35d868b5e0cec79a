"""Base models by reference: `models:/us.base@iter0` is a registered one, `org/model` a hub's, all else a folder."""

import re
from pathlib import Path

from tasks.core.base.errors import RegistryError
from tasks.core.base.naming.round_names import BASE_MODEL_NAME, REGISTERED_MODEL
from tasks.core.base.naming.work_places import base_models_folder, models_folder
from tasks.core.round.model import Round
from tasks.core.training.base_models.hub_model import local_folder
from tasks.records.reachable import needs_server
from tasks.records.registry import RegisteredVersion, fetch_folder, find_version

KIND = "base_model"
REFERENCE = re.compile(rf"^{REGISTERED_MODEL}(?P<name>(?P<country>[a-z0-9_]+)\.{BASE_MODEL_NAME})@(?P<alias>[\w-]+)$")


def local_base_model(round_: Round) -> str:
    """Return the folder of the round's base model; one of the registry or of a hub is fetched.

    Raises:
        RegistryError: the reference is none of a base model, or the registry does not hold it.
        TrackingAwayError: it does not answer.
        ModelFolderError: the hub will not give it, or it is no model that can be used.
    """
    return fetch_base_model(round_.base_model, round_.work_path)


def fetch_base_model(base_model: str, work_path: Path) -> str:
    """Return a base model's folder, or the one below `work_path` that it was fetched into.

    Raises:
        RegistryError: the reference is none of a base model, or the registry does not hold it.
        TrackingAwayError: it does not answer.
        ModelFolderError: the hub will not give it, or it is no model that can be used.
    """
    if not base_model.startswith(REGISTERED_MODEL):
        return local_folder(base_model, base_models_folder(work_path))
    reference = REFERENCE.match(base_model)
    if reference is None:
        raise RegistryError(
            f"base_model is '{base_model}', but a registered base model is named models:/<country>.{BASE_MODEL_NAME}"
            "@<alias>, such as models:/us.base@iter0"
        )
    with needs_server(f"base_model is '{base_model}', which it holds. Run it again when the server is back."):
        return str(fetch_folder(_resolve(base_model, reference), models_folder(work_path)))


def _resolve(base_model: str, reference: re.Match[str]) -> RegisteredVersion:
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
    return version
