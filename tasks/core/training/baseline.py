"""TF-IDF and logistic regression on the same rows: what a model must beat to be worth its cost."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tasks.core.corpus.labelled import LabelledSplits, read_split
from tasks.core.preprocessing import preprocess
from tasks.core.training.metrics import binary_metrics


def tfidf_baseline(splits: LabelledSplits, preprocessing: str) -> dict[str, float]:
    """Train on the train split and return the `test_*` figures: words and word pairs, balanced class weights."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=1_000),
    )
    _, texts, labels = read_split(splits.path, "train")
    model.fit(preprocess(preprocessing, texts), labels)
    _, texts, labels = read_split(splits.path, "test")
    scores = model.predict_proba(preprocess(preprocessing, texts))[:, 1]
    return {f"test_{name}": value for name, value in binary_metrics(np.asarray(labels), scores).items()}
