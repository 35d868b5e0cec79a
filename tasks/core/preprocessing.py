"""Preprocessing by name: the round file names it, the model folder records it, inference applies it unasked."""

from collections.abc import Callable, Sequence

from tasks.core.errors import ModelFolderError


def _keep(text: str) -> str:
    return text


PREPROCESSINGS: dict[str, Callable[[str], str]] = {"none": _keep}


def preprocess(name: str, texts: Sequence[str]) -> list[str]:
    """Apply the preprocessing called `name` to each text.

    Raises:
        ModelFolderError: this version of Winnow has no preprocessing of that name.
    """
    if name not in PREPROCESSINGS:
        allowed = ", ".join(sorted(PREPROCESSINGS))
        raise ModelFolderError(
            f"the model was trained with preprocessing '{name}', which this version of Winnow does not have "
            f"(it has: {allowed}). Install the version that trained the model."
        )
    function = PREPROCESSINGS[name]
    return [function(text) for text in texts]
