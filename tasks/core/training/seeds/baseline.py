"""What a model must beat to be worth its cost: chance, and TF-IDF with logistic regression, on the same rows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tasks.core.corpus.labelled.prepare import LabelledSplits, read_split
from tasks.core.metrics.heads import THRESHOLD
from tasks.core.preprocessing import preprocess

CLASSES = (True, False)
RANDOM_DRAWS = 200
RANDOM_SEED = 20220201


class BaselineError(Exception):
    """A baseline cannot be fitted to these rows; it costs its row of the table, and nothing else."""


def random_scores(shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Draw scores of this shape, evenly between 0 and 1, 200 times."""
    draw = np.random.default_rng(RANDOM_SEED)
    return [draw.random(shape) for _ in range(RANDOM_DRAWS)]


def fit_tfidf(splits: LabelledSplits, preprocessing: str) -> Callable[[list[str]], NDArray[np.float64]]:
    """Train on the train split and return what scores texts: the scores have the shape (texts, labels).

    Words and word pairs, one logistic regression a label with balanced class weights.

    Raises:
        BaselineError: there is nothing to fit: texts without words, or a label with one class in the train rows.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - half a second, for who fits
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    train = read_split(splits.path, splits.labels, "train")
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    try:
        features = vectoriser.fit_transform(preprocess(preprocessing, train.texts))
    except ValueError as error:  # an empty vocabulary
        raise BaselineError(f"the train rows' texts have no words ({error})") from None
    models = []
    for targets in train.targets.T:
        known = ~np.isnan(targets)
        if len(set(targets[known] >= THRESHOLD)) < len(CLASSES):
            raise BaselineError("a label has rows of one class alone in the train split")
        model = LogisticRegression(class_weight="balanced", max_iter=1_000)
        models.append(model.fit(features[known], targets[known] >= THRESHOLD))

    def score(texts: list[str]) -> NDArray[np.float64]:
        own = vectoriser.transform(preprocess(preprocessing, texts))
        return np.stack([model.predict_proba(own)[:, 1] for model in models], axis=1)

    return score
