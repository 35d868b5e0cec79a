"""Read a round file and say exactly what is wrong with one that cannot be used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.error import MarkedYAMLError
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from tasks.core.base.errors import RoundFileError
from tasks.core.base.formats import FileFormat
from tasks.core.base.naming.work_places import converted_folder
from tasks.core.base.yaml_files import load_yaml, mistaken_switches, read_yaml
from tasks.core.round.model import Round
from tasks.core.round.problems import tell_problems

PATH_KEYS = (
    ("labelled_data", "path"),
    ("inference", "output_path"),
    ("labelling", "controls"),
    ("retraining", "watched_folder"),
    ("work_path",),
    ("publishing", "redis", "password_file"),
    ("publishing", "redis", "ca_file"),
)
SYNTAX_ADVICE = """\
Keys of one section are indented alike, with spaces and no tabs, and end with a colon and a space. A value that begins
with a sign such as , : [ { * & ! @ or % stands in quotes, as in  delimiter: ","
"""
ROUND_FILE = FileFormat(
    kind="round file",
    number=1,
    schema=dict,
    remedy="Leave out `format`, or set it to 1",
    unnumbered=1,
)


def read_round(path: str | Path) -> Round:
    """Read and check a round file; relative paths in it count from its own folder.

    Raises:
        RoundFileError: the file is missing, is not YAML, breaks a rule, is not named after its round, or has a name
            that differs from another one's beside it in case alone.
        FormatError: it is of a newer format than this version reads.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise RoundFileError(f"there is no round file {path}; the demo's is deployments/rounds/us-iter0.yaml")
    return _checked(path, lambda: read_yaml(path))


def round_of_text(text: str, path: Path) -> Round:
    """Return the round that a file would describe which is written to `path` with this text, checked as a file is.

    Raises:
        RoundFileError, FormatError: the file would be refused.
    """
    return _checked(path.resolve(), lambda: load_yaml(text))


def _checked(path: Path, load: Callable[[], Any]) -> Round:
    content = _loaded(path, load)
    ROUND_FILE.number_of(content, path)
    _resolve_paths(content, path.parent)
    try:
        round_ = Round.model_validate(content)
    except ValidationError as error:
        _refuse(path, tell_problems(error))
    _refuse(path, [*mistaken_switches(content, round_.model_dump())])
    if path.stem != round_.name:
        raise RoundFileError(
            f"{path} describes the round '{round_.name}', so it must be called {round_.name}.yaml. "
            "Rename the file, or correct its country, iteration or method."
        )
    _refuse_twin(path)
    return round_


def _refuse_twin(path: Path) -> None:
    """Refuse a name that some disks take for that of a file beside it, as keys in Prefect do everywhere."""
    names = (other.name for other in path.parent.iterdir())
    twins = sorted(name for name in names if name.casefold() == path.name.casefold() and name != path.name)
    if twins:
        raise RoundFileError(
            f"the round files {path.name} and {twins[0]} differ in case alone, in {path.parent}: what one leaves may "
            "take the place of what the other left. Give one of the rounds another iteration."
        )


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise RoundFileError(f"{path} is not a round file:\n{lines}") from None


def _loaded(path: Path, load: Callable[[], Any]) -> dict[str, Any]:
    try:
        content = load()
    except MarkedYAMLError as error:
        raise RoundFileError(f"{path} cannot be read as YAML: {_tell_syntax(error)}") from None
    except yaml.YAMLError as error:
        raise RoundFileError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise RoundFileError(f"{path} must hold keys and values, but it holds {type(content).__name__}")
    return content


def _tell_syntax(error: MarkedYAMLError) -> str:
    """Say where a file is no YAML, and what is mostly the reason; our own words on a value stand as they are."""
    mark = error.problem_mark
    if mark is None or not isinstance(error, ParserError | ScannerError):
        return str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}:\n{mark.get_snippet()}\n{SYNTAX_ADVICE}"


def _resolve_paths(content: dict[str, Any], folder: Path) -> None:
    """Make the file's relative paths absolute, in place; wrong types are left for the model to refuse."""
    for *parents, key in PATH_KEYS:
        node: Any = content
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        _resolve_key(node, key, folder)
    _resolve_list(content.get("labelled_data"), "added", folder)
    clusters = content.get("clusters")
    for flow, profile in clusters.items() if isinstance(clusters, dict) else ():
        if str(profile).endswith((".yaml", ".yml")):
            _resolve_key(clusters, flow, folder)
    samples = content.get("samples")
    for sample in samples.values() if isinstance(samples, dict) else ():
        _resolve_sample(sample, folder, content.get("work_path"))
    distillation = content.get("distillation")
    distillation = distillation if isinstance(distillation, dict) else {}
    experts = distillation.get("experts")
    for expert in experts.values() if isinstance(experts, dict) else ():
        _resolve_key(expert, "run", folder)
    for section in (content, content.get("pretraining"), distillation.get("student")):
        _resolve_base_model(section, folder)


def _resolve_base_model(section: Any, folder: Path) -> None:
    """Make a base model's path absolute, where it is one."""
    base_model = str(section.get("base_model") or "") if isinstance(section, dict) else ""
    if base_model.startswith((".", "/", "~")) or (base_model and (folder / base_model).is_dir()):
        _resolve_key(section, "base_model", folder)


def _resolve_sample(sample: Any, folder: Path, work_path: Any) -> None:
    """Make a sample's paths absolute; text files are converted below the work path unless it says otherwise."""
    if isinstance(sample, dict) and isinstance(work_path, str):
        sample.setdefault("converted_path", str(converted_folder(Path(work_path))))
    for key in ("path", "converted_path"):
        _resolve_key(sample, key, folder)


def _resolve_key(node: Any, key: str, folder: Path) -> None:
    if isinstance(node, dict) and isinstance(node.get(key), str):
        node[key] = _resolved(node[key], folder)


def _resolve_list(node: Any, key: str, folder: Path) -> None:
    if isinstance(node, dict) and isinstance(node.get(key), list):
        node[key] = [_resolved(path, folder) if isinstance(path, str) else path for path in node[key]]


def _resolved(path: str, folder: Path) -> str:
    return str((folder / Path(path).expanduser()).resolve())
