"""The record of finished training, `result.json`: written last, and only believed for the very configuration."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.core.base.errors import TrainingError
from tasks.core.base.formats import FileFormat, read_record, unchanged, write_record
from tasks.core.base.naming.file_names import RESULT_FILE


def result_format(kind: str, schema: type, flow: str) -> FileFormat:
    """Return the format of results of one kind, whose dataclass is `schema`; `flow` makes them."""
    return FileFormat(
        kind=kind,
        number=2,
        schema=schema,
        remedy=f"Move its folder away and run the {flow} flow again",
        unnumbered=1,
        migrations={1: unchanged},
    )


def write_finished(result: Any, kind: FileFormat, folder: Path) -> None:
    """Write a result into its folder; from here on it counts as finished."""
    write_record(folder / RESULT_FILE, kind, asdict(result))


def read_finished(kind: FileFormat, folder: Path, config_hash: str) -> Any:
    """Return the result that a folder holds, of the format's dataclass, or None.

    Raises:
        TrainingError: it belongs to another configuration, or is torn.
        FormatError: it is of a format that this version does not read.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        return None
    try:
        content = read_record(path, kind)
    except ValueError as error:
        raise TrainingError(f"{path} cannot be read: {error}. {kind.remedy}.") from None
    if content["config_hash"] != config_hash:
        raise TrainingError(
            f"{path} was written for configuration {content['config_hash']}, expected {config_hash}. {kind.remedy}."
        )
    return kind.schema(**content)
