"""Every name that Winnow gives: made and parsed here only."""

import re
from dataclasses import dataclass

METHOD_SUFFIXES = {
    0: "",
    1: "-adaptive",
    2: "-uncertainty-calibrated",
    3: "-uncertainty",
    4: "-stratified",
}
"""Suffix of each labelling method; method 0 is exploit-explore."""

OTHER_CLASS = "other"
"""What a binary model calls the rows that its label is not true of."""
BASE_MODEL_NAME = "base"
"""Stands for the label in the registered name of a pretrained base model: `us.base`."""

RUN_FOLDER = re.compile(
    r"^iter_(?P<iteration>.+?)-(?P<run_name>[A-Za-z0-9_]+)-(?P<run_id>[0-9a-f]{12})-(?P<sample>[A-Za-z0-9_]+)$"
)


@dataclass(frozen=True)
class RunFolderName:
    """The parts of a run folder's name; `iteration` carries the method's suffix and no leading `iter`."""

    iteration: str
    run_name: str
    run_id: str
    sample: str

    def __str__(self) -> str:
        return f"iter_{self.iteration}-{self.run_name}-{self.run_id}-{self.sample}"


def round_name(country: str, iteration: str, method: int) -> str:
    """Return `us-iter0`, or `us-iter0-adaptive` for a method other than 0."""
    return f"{country.lower()}-{checkpoint_alias(iteration, method)}"


def registered_model_name(model_country: str, label: str) -> str:
    """Return the registry's name for a label: `us.is_unemployed`."""
    return f"{model_country.lower()}.{label}"


def checkpoint_alias(iteration: str, method: int) -> str:
    """Return the alias of the checkpoint that a round selected: `iter0`, `iter0-adaptive`."""
    return f"{iteration}{METHOD_SUFFIXES[method]}"


def engine_alias(iteration: str, method: int) -> str:
    """Return the alias of the engine model made from that checkpoint: `iter0-onnx`."""
    return f"{checkpoint_alias(iteration, method)}-onnx"


def run_folder_name(iteration: str, method: int, run_name: str, run_id: str, sample: str) -> str:
    """Return `iter_0-main-3f9a0c11d2e4-evaluation`."""
    number = checkpoint_alias(iteration, method).removeprefix("iter")
    return str(RunFolderName(number, run_name, run_id, sample))


def parse_run_folder_name(name: str) -> RunFolderName | None:
    """Return the parts of a run folder's name, or None when `name` is not one."""
    match = RUN_FOLDER.match(name)
    return RunFolderName(**match.groupdict()) if match else None


def shard_number(number: int) -> str:
    """Return a shard's number as it stands in file names: `00042`."""
    return f"{number:05d}"


def artifact_key(*parts: str) -> str:
    """Join `parts` into a Prefect artifact key, which takes lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")
