"""What makes the folder of an engine model, or of a checkpoint, an MLflow pyfunc that works without Winnow.

MLmodel           how MLflow loads the model
code/winnow.zip   the module that loads it, such as tasks.core.engines.text_classifier, and all of Winnow it imports
requirements.txt  the libraries those need, as installed here; python_env.yaml and conda.yaml say the same

The code is an archive because Python writes no `__pycache__` beside what it imports from one: loading the folder
leaves its digest as it was registered. The same model and libraries give the same bytes.
"""

import ast
import platform
import sys
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import yaml

from tasks.core.base.files import write_aside, write_text
from tasks.core.base.naming.file_names import CODE_FILE
from tasks.core.base.naming.library_names import CONDA_FILE, MLMODEL_FILE, PYTHON_ENV_FILE, REQUIREMENTS_FILE
from tasks.core.engines.model_folder import EngineModel
from tasks.core.engines.text_classifier import DEFAULT_CONFIG, SCORE_COLUMN, SEAL, TEXT_COLUMN
from tasks.core.training.trainer.checkpoint import CheckpointCard

LOADER = "tasks.core.engines.text_classifier"
ROOT = Path(__file__).parents[4]
"""The package `tasks` lies in this folder."""
CHECKPOINT_LOADER = "tasks.core.training.checkpoint_classifier"
PREPROCESSING_LIBRARIES: dict[str, set[str]] = {
    "none": set(),
    "tweet": {"emoji"},
    "boost": {"emoji", "contractions", "textsearch"},
}
"""Each preprocessing imports these when it is used; `textsearch` does the work of `contractions`."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""An archive can hold no earlier date than this."""


def write_pyfunc_files(model: EngineModel) -> None:
    """Write the files named above into a finished engine model's folder."""
    runtime = {"openvino"} if model.variant.runtime == "openvino" else set()
    used = PREPROCESSING_LIBRARIES[model.preprocessing] | runtime
    _write(Path(model.folder), LOADER, used, DEFAULT_CONFIG | {SEAL: model.seal})


def write_checkpoint_pyfunc_files(folder: Path, card: CheckpointCard) -> None:
    """Write the files named above for a checkpoint of this card into a folder, to be put beside its files."""
    _write(folder, CHECKPOINT_LOADER, PREPROCESSING_LIBRARIES[card.preprocessing], {}, card.labels)


def _write(folder: Path, loader: str, used: set[str], config: dict[str, Any], labels: tuple[str, ...] = ()) -> None:
    modules, libraries = walk_imports(loader)
    _write_code(folder / CODE_FILE, modules)
    python, requirements = platform.python_version(), _requirements(libraries, used)
    pip_packages: list[Any] = [f"python={python}", "pip", {"pip": requirements}]
    write_text(folder / REQUIREMENTS_FILE, "".join(f"{line}\n" for line in requirements))
    _write_yaml(
        folder / PYTHON_ENV_FILE,
        {"python": python, "build_dependencies": ["pip"], "dependencies": [f"-r {REQUIREMENTS_FILE}"]},
    )
    _write_yaml(folder / CONDA_FILE, {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": pip_packages})
    columns = labels if len(labels) > 1 else (SCORE_COLUMN,)
    _write_yaml(folder / MLMODEL_FILE, _mlmodel(python, loader, config, columns))


def walk_imports(module: str) -> tuple[dict[str, Path], set[str]]:
    """Follow the imports of a module of Winnow, also those inside functions.

    Returns the files of Winnow's modules by name, itself and the packages around it included, and the other libraries.
    """
    modules: dict[str, Path] = {}
    others: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        path = _file_of(name)
        if name in modules or path is None:
            continue
        modules[name] = path
        imported = _imports(path) | {name.rpartition(".")[0]}
        todo += [found for found in imported if found.split(".")[0] == "tasks"]
        others |= {found.split(".")[0] for found in imported} - {"", "tasks"} - sys.stdlib_module_names
    return modules, others


def _file_of(module: str) -> Path | None:
    """Return the module's file, or None for a name that a module defines."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(path: Path) -> set[str]:
    """Return what a file imports; `from a import b` as `a` and `a.b`, for b may be a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _write_code(path: Path, modules: dict[str, Path]) -> None:
    """Write the modules into an archive, uncompressed, so that its bytes follow from theirs alone."""
    with write_aside(path) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(modules.values()):
            entry = zipfile.ZipInfo(file.relative_to(ROOT).as_posix(), LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())


def _requirements(libraries: set[str], used: set[str]) -> list[str]:
    """Return what to install, of what is optional only what is used, at the versions that are installed here.

    A build's own suffix, such as `+cpu`, is left out: public indexes do not have it.
    """
    optional = {"openvino"}.union(*PREPROCESSING_LIBRARIES.values())
    needed = (libraries - optional) | used
    providers = _providers()
    distributions = {"mlflow"}.union(*(providers[name] for name in needed))
    return [f"{name}=={version(name).partition('+')[0]}" for name in sorted(distributions)]


@cache
def _providers() -> Mapping[str, list[str]]:
    """Return the distributions that provide each package; looking through all that is installed takes a second."""
    return packages_distributions()


def _mlmodel(python: str, loader: str, config: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return MLflow's description of the model, without the random id and the time that MLflow would write.

    The signature has no inputs: if it named the column, MLflow would refuse a list of texts, and if it did not, MLflow
    would take a DataFrame's first column for the texts, whatever it holds. The loader checks its input itself.
    """
    pyfunc = {
        "loader_module": loader,
        "code": CODE_FILE,
        "config": config,
        "env": {"conda": CONDA_FILE, "virtualenv": PYTHON_ENV_FILE},
        "python_version": python,
        "streamable": False,
    }
    named = ", ".join(f'{{"type": "double", "name": "{column}", "required": true}}' for column in columns)
    outputs = f"[{named}]"
    return {
        "flavors": {"python_function": pyfunc},
        "metadata": {"input": f"texts: a list, a Series, or a DataFrame with a column '{TEXT_COLUMN}'"},
        "mlflow_version": version("mlflow"),
        "signature": {"inputs": None, "outputs": outputs, "params": None},
    }


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    write_text(path, yaml.safe_dump(content, sort_keys=False))
