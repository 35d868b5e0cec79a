"""The libraries that a text's scores depend on."""

from importlib.metadata import PackageNotFoundError, version

from tasks.core.base.errors import MachineError

LIBRARIES = ("onnxruntime", "openvino", "tokenizers", "numpy")


def library_versions() -> dict[str, str]:
    """Return their versions in this environment."""
    return {name: _version(name) for name in LIBRARIES}


def require_libraries(planned: dict[str, str]) -> None:
    """Check that this environment has the versions that a run was planned with.

    Raises:
        MachineError: it has others, which may give other scores.
    """
    here = library_versions()
    differences = [f"{name} is {here.get(name)}, was {old}" for name, old in planned.items() if here.get(name) != old]
    if differences:
        raise MachineError(
            f"this run was planned with other libraries: {'; '.join(differences)}. Give the workers the environment of "
            "the flow, or run the inference flow again from theirs: that is a run of its own."
        )


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
