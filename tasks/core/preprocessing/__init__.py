"""Preprocessing by name: the round file names it, the model folder records it, inference applies it unasked.

    none   texts as they are
    tweet  links, handles and emoji as words; case, hashtags and punctuation as written
    boost  the pipeline of boostFSLBert: lower case, placeholders, contractions written out, repeats collapsed

What a name does is a contract. Once released, a text's output under a name never changes, because models were trained
on it: a changed rule gets a new name (`tweet2`). `preprocessing_digest` is recorded with each model and compared before
it scores, so that neither an edit here nor another version of a library can change scores in silence.
"""

from collections.abc import Callable, Sequence

from tasks.core.base.errors import ModelFolderError
from tasks.core.base.files import fingerprint
from tasks.core.preprocessing.boost import prepare_boost
from tasks.core.preprocessing.probes import PROBES
from tasks.core.preprocessing.tweet import prepare_tweet


def _keep(text: str) -> str:
    return text


PREPROCESSINGS: dict[str, Callable[[str], str]] = {"none": _keep, "tweet": prepare_tweet, "boost": prepare_boost}


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


def preprocessing_digest(name: str) -> str:
    """Return the fingerprint of what the preprocessing called `name` makes of fixed texts, here and now.

    Raises:
        ModelFolderError: this version of Winnow has no preprocessing of that name.
    """
    return fingerprint(preprocess(name, PROBES))


def require_preprocessing(name: str, digest: str) -> None:
    """Check that the preprocessing called `name` still does what it did when `digest` was recorded.

    Raises:
        ModelFolderError: there is no preprocessing of that name, or it makes other texts now.
    """
    found = preprocessing_digest(name)
    if found != digest:
        raise ModelFolderError(
            f"preprocessing '{name}' makes other texts here than when the model was trained: its digest was '{digest}' "
            f"and is '{found}'. Install the versions in constraints.txt (emoji, contractions, Python) that trained "
            "the model, or train it again."
        )
