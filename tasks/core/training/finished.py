"""The record of finished training, `result.json`: written last, and only believed for the very configuration."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from tasks.core.base.errors import TrainingError
from tasks.core.base.files import read_json, write_json

RESULT_FILE = "result.json"
Result = TypeVar("Result")


def write_finished(result: Any, folder: Path) -> None:
    """Write a result's dataclass into its folder; from here on it counts as finished."""
    write_json(folder / RESULT_FILE, asdict(result))


def read_finished(kind: type[Result], folder: Path, config_hash: str, flow: str) -> Result | None:
    """Return the result, of class `kind`, that a folder holds, or None; `flow` is what an error says to run.

    Raises:
        TrainingError: it belongs to another configuration.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        return None
    content = read_json(path)
    if content["config_hash"] != config_hash:
        raise TrainingError(
            f"{path} was written for configuration {content['config_hash']}, expected {config_hash}. "
            f"Move {folder} away and run the {flow} flow again."
        )
    return kind(**content)
