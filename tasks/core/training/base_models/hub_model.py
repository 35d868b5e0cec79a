"""A base model on a hub: fetched once, at the commit that it stood at then, and from there on a folder like any other.

Writes  <folder>/org--model@main/       the files that are read, without any code
        <folder>/org--model@main.json   the HubModel, written last
        <folder>/.org--model@main.lock  held by the one process that fetches it; others wait, and use what it fetched
`org/model` alone stands for its branch `main`. Where a branch or tag stands is asked once and recorded, so that a
round's seeds are all trained from the same weights; a later move is told, and followed when the round names the commit.
"""

import logging
import os
import re
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tasks.core.base.errors import FormatError, ModelFolderError, WinnowError
from tasks.core.base.folders_aside import folder_aside, put_in_place, sweep
from tasks.core.base.formats import FileFormat, read_record, write_record
from tasks.core.base.locks import alone
from tasks.core.base.naming.composed_names import hub_folder, hub_lock, hub_record
from tasks.core.base.naming.library_names import HUB_NOTES_FOLDER
from tasks.core.training.base_models.base_folder import READ_SUFFIXES, base_model_digest, require_listed

LOGGER = logging.getLogger("winnow.training")
MAIN = "main"
HUB_ID = re.compile(r"^(?P<name>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?$")
COMMIT = re.compile(r"^[0-9a-f]{40}$")
ENDPOINT = "HF_ENDPOINT"
"""The hub's client takes its address from this variable; it is passed on, so that it counts when it is set late."""
ASK_SECONDS, LOOK_SECONDS = 10, 2
PATTERNS = [f"*{suffix}" for suffix in READ_SUFFIXES]


@dataclass(frozen=True)
class HubModel:
    """Which files a hub gave for a name."""

    name: str
    revision: str
    """This branch, tag or commit was asked for."""
    commit: str
    """The revision stood at this commit when it was fetched."""
    digest: str
    """This is the fingerprint of the fetched files that decide."""

    @property
    def source(self) -> str:
        """`org/model@<commit>`, which a round file may name."""
        return f"{self.name}@{self.commit}"


HUB_MODEL = FileFormat(
    kind="record of a hub model", number=1, schema=HubModel, remedy="Delete it and its folder, and run the flow again"
)


def local_folder(base_model: str, folder: Path) -> str:
    """Return the folder of a base model: its own, or the one below `folder` that it was fetched into from the hub.

    Raises:
        ModelFolderError: it is neither a folder nor a hub's model; the hub will not give it, or cannot be reached; it
            lacks a file; or what was fetched is no longer what lies there.
    """
    if Path(base_model).is_absolute():
        return base_model
    name, revision = _parts(base_model)
    fetched = folder / hub_folder(f"{name}@{revision}")
    sweep(folder)
    known = _known(fetched)
    if known is None or not fetched.is_dir():
        known = _fetch_once(name, revision, fetched)
    else:
        _notice_move(known)
    if base_model_digest(str(fetched)) != known.digest:
        raise ModelFolderError(
            f"{fetched} is not what was fetched as {known.source}. Delete it, and it is fetched again. To change a "
            "file of it, copy the folder elsewhere, and name the copy as base_model."
        )
    return str(fetched)


def find_on_hub(base_model: str, folder: Path) -> str | None:
    """Say where a hub's base model stands, fetching nothing; None where the hub cannot be asked now.

    Raises:
        ModelFolderError: it is no name of a hub's model, or the hub has no such model for this user.
    """
    name, revision = _parts(base_model)
    if known := _known(folder / hub_folder(f"{name}@{revision}")):
        return f"fetched as {known.source}"
    try:
        return f"the hub has it, at commit {_ask(name, revision, LOOK_SECONDS)}"
    except ModelFolderError as refusal:
        if not (isinstance(refusal.__cause__, Exception) and _is_away(refusal.__cause__)):
            raise
        cached = _cached(name, revision)
        return None if cached is None else f"the cache of the hub's client has it, at commit {cached.name}"


def source_of(base_model: str) -> str:
    """Return `org/model@<commit>` for a folder that was fetched from a hub, and any other folder as it is."""
    record = Path(base_model).with_name(f"{Path(base_model).name}.json")
    try:
        return HubModel(**read_record(record, HUB_MODEL)).source
    except (OSError, ValueError, FormatError):  # none, or a JSON file of another kind
        return base_model


def _parts(base_model: str) -> tuple[str, str]:
    """Return the name of a hub's model, and its branch, tag or commit."""
    asked = HUB_ID.match(base_model)
    if asked is None:
        raise ModelFolderError(
            f"base_model is '{base_model}', which is neither a folder, nor a hub's model (`org/model@commit`), nor a "
            "registered base model (`models:/us.base@iter0`)"
        )
    return asked["name"], asked["revision"] or MAIN


def _known(fetched: Path) -> HubModel | None:
    """Return the record beside a fetched folder, if there is one."""
    record = fetched.with_name(hub_record(fetched.name))
    return HubModel(**read_record(record, HUB_MODEL)) if record.is_file() else None


def _fetch_once(name: str, revision: str, fetched: Path) -> HubModel:
    """Fetch a model and record it, unless another process, which is waited for, has done so.

    Two at once could fetch what stands at two commits, and leave the folder of one with the record of the other.
    """
    with alone(fetched.with_name(hub_lock(fetched.name))):
        known = _known(fetched)
        if known is None or not fetched.is_dir():
            known = _fetch(name, revision, known.commit if known else revision, fetched)
            write_record(fetched.with_name(hub_record(fetched.name)), HUB_MODEL, asdict(known))
    return known


def _fetch(name: str, revision: str, at: str, folder: Path) -> HubModel:
    """Fetch the files where the revision `at` stands aside, check them, and put them in place."""
    with folder_aside(folder) as aside:
        commit = _fill(name, at, aside)
        digest = base_model_digest(str(aside))
        put_in_place(aside, folder)
    return HubModel(name, revision, commit, digest)


def _fill(name: str, revision: str, aside: Path) -> str:
    """Fill an empty folder from the hub, or, where it cannot be reached, from its client's cache; return the commit."""
    try:
        model = HfApi(endpoint=_endpoint()).model_info(name, revision=revision, timeout=ASK_SECONDS)
        commit = str(model.sha)
        require_listed(f"{name}@{commit}", [file.rfilename for file in model.siblings or []])
        snapshot_download(
            name, revision=commit, local_dir=aside, allow_patterns=PATTERNS, ignore_patterns="*/*", endpoint=_endpoint()
        )
        shutil.rmtree(aside / HUB_NOTES_FOLDER, ignore_errors=True)
    except Exception as error:  # of the hub's client and of what it stands on
        refusal = _refusal(name, revision, error)
        cached = _cached(name, revision) if _is_away(error) else None
        if cached is None:
            raise refusal from error
        LOGGER.warning("the hub cannot be reached; %s is taken from its client's cache, at %s", name, cached.name)
        _copy(cached, aside)
        return cached.name
    return commit


def _cached(name: str, revision: str) -> Path | None:
    """Return the folder of a revision in the cache of the hub's client, called like its commit, if it is whole."""
    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
        require_listed(str(folder), [path.name for path in folder.iterdir()])
    except (LocalEntryNotFoundError, ModelFolderError):
        return None
    return folder


def _copy(cached: Path, aside: Path) -> None:
    """Copy what is read, in place of what a fetch that broke off left."""
    shutil.rmtree(aside)
    aside.mkdir()
    for path in cached.iterdir():
        if path.suffix in READ_SUFFIXES and path.is_file():
            shutil.copyfile(path, aside / path.name)


def _ask(name: str, revision: str, seconds: float = ASK_SECONDS) -> str:
    """Return the commit at which a revision stands."""
    try:
        commit = HfApi(endpoint=_endpoint()).model_info(name, revision=revision, timeout=seconds).sha
    except Exception as error:  # of the hub's client and of what it stands on
        raise _refusal(name, revision, error) from error
    return str(commit)


def _endpoint() -> str | None:
    return os.environ.get(ENDPOINT)


@cache
def _notice_move(known: HubModel) -> None:
    """Say, once a process, that a branch or tag stands elsewhere by now, where the hub can be asked."""
    if COMMIT.match(known.revision):
        return
    try:
        commit = _ask(known.name, known.revision)
    except ModelFolderError as error:
        LOGGER.debug("%s stays at %s: %s", known.name, known.commit, error)
        return
    if commit != known.commit:
        LOGGER.warning(
            "%s@%s has moved to commit %s; the models here are trained from %s, which was fetched first. To train from "
            "the new one, set base_model to %s@%s in the round file.",
            *(known.name, known.revision, commit, known.commit, known.name, commit),
        )


def _is_away(error: Exception) -> bool:
    """Say whether the hub gave no answer, or only that it is broken."""
    if isinstance(error, WinnowError) or (isinstance(error, OSError) and error.filename is not None):
        return False
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _refusal(name: str, revision: str, error: Exception) -> Exception:
    """Return our error for what the hub says; ours, and a fault of this machine's disk, stay what they are."""
    if isinstance(error, WinnowError) or (isinstance(error, OSError) and error.filename is not None):
        return error
    where = f"the base model {name}@{revision}"
    if isinstance(error, GatedRepoError) or getattr(getattr(error, "response", None), "status_code", None) == 403:
        return ModelFolderError(
            f"{where} is gated: its hub gives it to those alone who have accepted its terms. Accept them on its page, "
            "and set HF_TOKEN to a token of yours; or download it elsewhere and name the folder."
        )
    if isinstance(error, RevisionNotFoundError):
        return ModelFolderError(f"{where}: the hub has the model, but no such revision; see its page for the commits")
    if isinstance(error, RepositoryNotFoundError):
        return ModelFolderError(
            f"{where} is not on the hub, or is private: there is no such model for you, nor a folder {name} beside the "
            "round file. Correct base_model, or set HF_TOKEN to a token that may read it."
        )
    return ModelFolderError(
        f"{where} could not be fetched ({type(error).__name__}: {' '.join(str(error).split())[:300]}). It is fetched "
        "once, where the hub can be reached; then no flow needs it. Run the flow there, or name a folder."
    )
