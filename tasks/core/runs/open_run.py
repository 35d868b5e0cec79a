"""Open a run folder that is there already, and say how its run is continued."""

import json
import shlex
from pathlib import Path
from typing import Any

from tasks.core.base.errors import RunFolderError
from tasks.core.base.files import read_json
from tasks.core.base.naming import RunFolderName, parse_run_folder_name, round_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan, read_plan
from tasks.core.runs.resources import read_resources

NAMED_FOLDERS = 3
"""Of the run folders below a path that is none, this many are named."""


def open_run(path: Path) -> tuple[Plan, RunFolder]:
    """Return the plan and the folder of a run.

    Raises:
        RunFolderError: `path` is no run folder, or its plan is torn or of another version.
    """
    folder = RunFolder(path.resolve())
    if not folder.path.is_dir():
        raise RunFolderError(f"there is no folder {folder.path}. {_where_run_folders_are(folder.path.parent)}")
    if not folder.plan_path.is_file():
        raise RunFolderError(
            f"{folder.path} is no run folder: it holds no {folder.plan_path.name}. "
            f"{_where_run_folders_are(folder.path)}"
        )
    try:
        return read_plan(folder), folder
    except (TypeError, ValueError, KeyError) as error:
        raise RunFolderError(
            f"{folder.plan_path} is not a plan as this version of Winnow writes it: {error!r}. Look at the folder with "
            "the version that made it."
        ) from None


def read_manifest(plan: Plan, folder: RunFolder) -> dict[str, Any] | None:
    """Return the run's manifest; None when there is none that can be read, or it is of another run."""
    try:
        manifest: dict[str, Any] = read_json(folder.manifest_path)
        mine = manifest["run_id"] == plan.run_id and isinstance(manifest["counts"], dict)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return manifest if mine else None


def continue_command(plan: Plan, folder: RunFolder) -> str | None:
    """Return the command that goes on with the run, or None when neither plan nor folder say which round it is of."""
    name = parse_run_folder_name(folder.path.name)
    round_ = None if name is None else plan.round_name or _guess_round(plan, name)
    if name is None or round_ is None:
        return None
    parameters = {"sample": _as_text(plan.sample_name), "run_name": _as_text(name.run_name)}
    if plan.limit is not None:
        parameters["limit"] = str(plan.limit)
    for key, value in read_resources(folder).items():
        parameters[key] = _as_text(value) if isinstance(value, str) else str(value)
    words = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
    return shlex.join(["prefect", "deployment", "run", f"inference/{round_}", *words])


def _guess_round(plan: Plan, name: RunFolderName) -> str | None:
    """Return the round of a plan that was written without it: the country is then taken to be that of the models."""
    countries = {use.registered_model.rpartition(".")[0] for use in plan.engines}
    # The iteration carries the method's suffix.
    return round_name(countries.pop(), f"iter{name.iteration}", 0) if len(countries) == 1 else None


def _as_text(value: str) -> str:
    """Quote a value that Prefect would read as JSON: a run_name `2026` is a text and no number."""
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)


def _where_run_folders_are(parent: Path) -> str:
    children = sorted(parent.iterdir()) if parent.is_dir() else []
    runs = [path for path in children if RunFolder(path).plan_path.is_file()]
    if not runs:
        return "Give one such as <output_path of the round>/iter_0-main-<run id>-evaluation."
    return f"Run folders in {parent}: {', '.join(path.name for path in runs[:NAMED_FOLDERS])}" + (
        f" and {len(runs) - NAMED_FOLDERS} more." if len(runs) > NAMED_FOLDERS else "."
    )
