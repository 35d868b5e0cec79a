"""Open a run folder that is there already, and say how its run is continued."""

import json
import shlex
from pathlib import Path

from tasks.core.base.errors import RunFolderError
from tasks.core.base.naming.round_names import is_seed_version
from tasks.core.base.naming.run_names import parse_run_folder_name
from tasks.core.runs.folder import RunFolder
from tasks.core.runs.plan import Plan
from tasks.core.runs.plan_file import read_plan
from tasks.core.runs.resources import read_resources

NAMED_FOLDERS = 3
"""An error about a path that is no run folder names so many of the run folders below it."""


def open_run(path: Path) -> tuple[Plan, RunFolder]:
    """Return the plan and the folder of a run.

    Raises:
        RunFolderError: `path` is no run folder, or its plan is torn.
        FormatError: its plan is of a format that this version does not read.
    """
    folder = RunFolder(path.resolve())
    if not folder.path.is_dir():
        raise RunFolderError(f"there is no folder {folder.path}. {_where_run_folders_are(folder.path.parent)}")
    if not folder.plan_path.is_file():
        raise RunFolderError(
            f"{folder.path} is no run folder: it holds no {folder.plan_path.name}. "
            f"{_where_run_folders_are(folder.path)}"
        )
    return read_plan(folder), folder


def is_only_planned(folder: RunFolder) -> bool:
    """Say whether nothing but a plan stands in a run folder, as a dry run leaves it: nothing was scored."""
    return [path.name for path in folder.path.iterdir()] == [folder.plan_path.name]


def continue_command(plan: Plan, folder: RunFolder) -> str | None:
    """Return the command that goes on with the run, or None when the plan does not say which round it is of."""
    name = parse_run_folder_name(folder.path.name)
    if name is None or not plan.round_name:
        return None
    if is_of_seeds(plan):
        return shlex.join(["prefect", "deployment", "run", f"distillation/{plan.round_name}"])
    parameters = {"sample": _as_text(plan.sample_name), "run_name": _as_text(name.run_name)}
    if plan.inputs.limit is not None:
        parameters["limit"] = str(plan.inputs.limit)
    for key, value in read_resources(folder).items():
        parameters[key] = _as_text(value) if isinstance(value, str) else json.dumps(value)
    words = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
    return shlex.join(["prefect", "deployment", "run", f"inference/{plan.round_name}", *words])


def is_of_seeds(plan: Plan) -> bool:
    """Say whether seeds score the run, for a student to learn from: the distillation flow goes on with it."""
    return any(is_seed_version(use.version) for use in plan.engines)


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
