"""The model registry: who is selected, who serves, and their files.

This module, tracking.py and tracked_run.py alone import mlflow.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from tasks.core.base.errors import ModelFolderError, RegistryError
from tasks.core.base.files import fingerprint, sha256_of_folder
from tasks.core.base.folders_aside import folder_aside, put_in_place, sweep
from tasks.core.base.naming.library_names import REGISTRATION_FILE
from tasks.records.tracking import tracking_uri
from tasks.records.unfinished import UNFINISHED_TAG, is_left, mark_of_this_process

DIGEST_TAG = "files_digest"
ABSENT = (ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model, resolved once."""

    name: str
    version: str
    run_id: str
    tags: dict[str, str]

    @property
    def folder_name(self) -> str:
        """Name of a local copy's folder; the files' digest tells it from another registry's version 1."""
        return f"{self.version}-{self.digest}"

    @property
    def digest(self) -> str:
        """Fingerprint of the version's files.

        Raises:
            RegistryError: the version was not registered by Winnow.
        """
        if DIGEST_TAG not in self.tags:
            raise RegistryError(
                f"{self.name} version {self.version} has no tag '{DIGEST_TAG}': it was not registered by Winnow. Set "
                "the alias on a version that was, or delete the alias and run the flow that makes it."
            )
        return self.tags[DIGEST_TAG]


def find_version(name: str, alias: str) -> RegisteredVersion | None:
    """Return the version behind an alias, or None when model or alias does not exist."""
    try:
        found = MlflowClient(tracking_uri()).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise
    return _describe(found)


def get_version(name: str, version: str) -> RegisteredVersion:
    """Return a version by its number.

    Raises:
        RegistryError: there is none.
    """
    try:
        return _describe(MlflowClient(tracking_uri()).get_model_version(name, version))
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        raise RegistryError(
            f"the registry has no version {version} of {name} any more, which a run folder names. Run the conversion "
            "and inference flows again for one that it has."
        ) from None


def set_alias(registered: RegisteredVersion, alias: str) -> None:
    """Have an alias stand for this version, in place of the one that had it."""
    MlflowClient(tracking_uri()).set_registered_model_alias(registered.name, alias, registered.version)


def find_own_version(name: str, alias: str, models: Path) -> RegisteredVersion | None:
    """Return the version behind an alias, as the flow that registers it looks for it.

    Versions that a killed registration left without their alias are removed, and their copies below `models`.
    """
    found = find_version(name, alias)
    client = MlflowClient(tracking_uri())
    if found is not None or _is_registered(client, name):
        _sweep_unfinished(client, name, models)
    return found


def resolve(name: str, alias: str, label: str, flow_to_run: str) -> RegisteredVersion:
    """Return the version behind an alias.

    Raises:
        RegistryError: there is none; the message names the flow that makes it.
    """
    found = find_version(name, alias)
    if found is None:
        raise RegistryError(
            f"label '{label}' has no model '{name}' with alias '{alias}' in the registry. "
            f"Run: prefect deployment run {flow_to_run}"
        )
    return found


@dataclass(frozen=True)
class UploadedFiles:
    """Files of a run in the artifact store, to be registered."""

    source: str
    run_id: str
    digest: str


@dataclass(frozen=True)
class Registration:
    """What to register, and as what."""

    name: str
    alias: str
    folder: Path
    run_id: str
    artifact_path: str
    tags: dict[str, str]
    note: str = ""
    """The version's page says this, as Markdown."""


def register_folder(registration: Registration, models: Path) -> RegisteredVersion:
    """Upload a model folder to its run, register it as a new version, fetch that to check it, set the alias last.

    Raises:
        ModelFolderError: what comes back is not what was uploaded.
    """
    files = sha256_of_folder(registration.folder)
    uploaded = upload_files(registration.folder, files, registration.run_id, registration.artifact_path)
    return register_version(
        registration.name, registration.alias, uploaded, registration.tags, models, registration.note
    )


def upload_files(
    folder: Path, files: dict[str, str], run_id: str, artifact_path: str, beside: Path | None = None
) -> UploadedFiles:
    """Upload the named files of a folder to a run, and all of another folder; `files` maps names to their sha256."""
    client = MlflowClient(tracking_uri())
    more = {} if beside is None else sha256_of_folder(beside)
    places = {name: folder / name for name in files} | {name: Path(str(beside)) / name for name in more}
    for name, path in places.items():
        client.log_artifact(run_id, str(path), (Path(artifact_path) / Path(name).parent).as_posix())
    files = files | more
    source = f"{client.get_run(run_id).info.artifact_uri}/{artifact_path}"
    return UploadedFiles(source, run_id, fingerprint(files))


def register_version(
    name: str, alias: str, uploaded: UploadedFiles, tags: dict[str, str], models: Path, note: str = ""
) -> RegisteredVersion:
    """Register uploaded files as a new version, fetch that to check it, set the alias last; `note` describes it.

    Raises:
        ModelFolderError: what comes back is not what was uploaded.
    """
    client = MlflowClient(tracking_uri())
    _ensure_registered_model(client, name)
    _sweep_unfinished(client, name, models)
    all_tags = tags | {DIGEST_TAG: uploaded.digest, "run_id": uploaded.run_id} | mark_of_this_process()
    made = client.create_model_version(
        name, uploaded.source, run_id=uploaded.run_id, tags=all_tags, description=note or None
    )
    created = _describe(made)
    fetch_folder(created, models)
    client.set_registered_model_alias(name, alias, created.version)
    client.delete_model_version_tag(name, created.version, UNFINISHED_TAG)
    return created


def _sweep_unfinished(client: MlflowClient, name: str, models: Path) -> None:
    """Remove the versions of a model that were never given their alias, because who registered them is gone.

    A version whose mark was taken away has served, and is history, whether it has an alias still or not.
    """
    unfinished = [version for version in _all_versions(client, name) if UNFINISHED_TAG in version.tags]
    left = [is_left(version.tags[UNFINISHED_TAG], version.creation_timestamp / 1000) for version in unfinished]
    # Asked last: who is gone by now sets no alias any more.
    aliased = {str(version) for version in client.get_registered_model(name).aliases.values()}
    for version, nobody_will in zip(unfinished, left, strict=True):
        if str(version.version) in aliased:
            client.delete_model_version_tag(name, version.version, UNFINISHED_TAG)
        elif nobody_will:
            client.delete_model_version(name, version.version)
            shutil.rmtree(models / name / _describe(version).folder_name, ignore_errors=True)


def _all_versions(client: MlflowClient, name: str) -> Iterator[ModelVersion]:
    token = None
    while token != "":
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        yield from page
        token = page.token or ""


def describe_version(registered: RegisteredVersion, note: str) -> None:
    """Have a version's page say this, as Markdown."""
    MlflowClient(tracking_uri()).update_model_version(registered.name, registered.version, note)


def describe_model(name: str, note: str) -> None:
    """Have a registered model's page say this, as Markdown, where it says nothing yet."""
    client = MlflowClient(tracking_uri())
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, note)


def set_version_tags(registered: RegisteredVersion, tags: dict[str, str]) -> None:
    """Set the tags that a version does not have with these values."""
    client = MlflowClient(tracking_uri())
    for name, value in tags.items():
        if registered.tags.get(name) != value:
            client.set_model_version_tag(registered.name, registered.version, name, value)


def remove_version_tags(registered: RegisteredVersion, names: Iterable[str]) -> None:
    """Remove those of the tags that a version has."""
    client = MlflowClient(tracking_uri())
    for name in names:
        if name in registered.tags:
            client.delete_model_version_tag(registered.name, registered.version, name)


def fetch_folder(registered: RegisteredVersion, models: Path) -> Path:
    """Return a local copy of a version's files below `models`; a copy that is not sound is fetched again.

    Raises:
        ModelFolderError: the downloaded files are not those that were registered.
    """
    folder = models / registered.name / registered.folder_name
    sweep(folder.parent)
    if _is_copy(folder, registered):
        return folder
    with folder_aside(folder) as aside:
        uri = f"models:/{registered.name}/{registered.version}"
        downloaded = Path(download_artifacts(artifact_uri=uri, dst_path=str(aside), tracking_uri=tracking_uri()))
        _verify(downloaded, registered)
        put_in_place(downloaded, folder, stands=lambda: _is_copy(folder, registered))  # another process may be first
    return folder


def _is_copy(folder: Path, registered: RegisteredVersion) -> bool:
    return folder.is_dir() and fingerprint(sha256_of_folder(folder)) == registered.digest


def _verify(folder: Path, registered: RegisteredVersion) -> None:
    (folder / REGISTRATION_FILE).unlink(missing_ok=True)
    digest = fingerprint(sha256_of_folder(folder))
    if digest != registered.digest:
        raise ModelFolderError(
            f"the files of {registered.name} version {registered.version} have digest {digest}, but "
            f"{registered.digest} was registered: the artifact store was changed. Delete the alias and run "
            "the flow that set it."
        )


def _ensure_registered_model(client: MlflowClient, name: str) -> None:
    if not _is_registered(client, name):
        client.create_registered_model(name)


def _is_registered(client: MlflowClient, name: str) -> bool:
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        return False
    return True


def _describe(version: ModelVersion) -> RegisteredVersion:
    tags = {tag: value for tag, value in version.tags.items() if tag != UNFINISHED_TAG}
    return RegisteredVersion(version.name, str(version.version), str(version.run_id), tags)
