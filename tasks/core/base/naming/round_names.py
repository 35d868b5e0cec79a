"""Names of rounds, labels, registered models, their aliases and versions."""

METHOD_SUFFIXES = {
    0: "",
    1: "-adaptive",
    2: "-uncertainty-calibrated",
    3: "-uncertainty",
    4: "-stratified",
}
"""Each labelling method adds its suffix to a round's name; method 0, exploit-explore, adds none."""

OTHER_CLASS = "other"
"""A binary model gives this name to the rows that its label is not true of."""
BASE_MODEL_NAME = "base"
"""This stands for the label in the registered name of a pretrained base model: `us.base`."""
CHAMPION_ALIAS = "champion"
"""The version in production has this alias."""
STUDENT_NAME = "student"
"""This stands for the label in the registered name of a student that scores all labels of its round: `us.student`."""

REGISTERED_MODEL = "models:/"
"""A reference to a model of the registry begins so."""
MAIN_RUN, MAIN_SAMPLE = "main", "evaluation"
"""Flows score this sample under this run name unless told otherwise."""


def round_name(country: str, iteration: str, method: int) -> str:
    """Return `us-iter0`, or `us-iter0-adaptive` for a method other than 0."""
    return f"{country.lower()}-{checkpoint_alias(iteration, method)}"


def registered_model_name(model_country: str, label: str) -> str:
    """Return the registry's name for a label: `us.is_unemployed`."""
    return f"{model_country.lower()}.{label}"


def student_study(label: str | None) -> str:
    """Return what a student's study is called: `student` of all labels, `student-is_unemployed` of one.

    Its registered name has a dot in the dash's place. No label holds either, so no label's model is called so.
    """
    return STUDENT_NAME if label is None else f"{STUDENT_NAME}-{label}"


def checkpoint_alias(iteration: str, method: int) -> str:
    """Return the alias of the checkpoint that a round selected: `iter0`, `iter0-adaptive`."""
    return f"{iteration}{METHOD_SUFFIXES[method]}"


def engine_alias(iteration: str, method: int) -> str:
    """Return the alias of the engine model made from that checkpoint: `iter0-onnx`."""
    return f"{checkpoint_alias(iteration, method)}-onnx"


def event_resource(round_: str) -> str:
    """Return how Prefect's events name a round."""
    return f"winnow.round.{round_}"


def seed_version(seed: int) -> str:
    """Return what stands for the version of an engine model that was made of a seed and is not registered: `seed 3`."""
    return f"seed {seed}"


def is_seed_version(version: str) -> bool:
    """Say whether an engine model's version is that of a seed; registered ones are numbers."""
    return version.startswith("seed ")


def seed_run(seed: int) -> str:
    """Return the run name of what a seed scored: `seed_3`."""
    return f"seed_{seed}"


def published_version(alias: str, digest: str) -> str:
    """Return the name of a version of published scores: `iter0-3f9a0c11d2e4`."""
    return f"{alias}-{digest}"
