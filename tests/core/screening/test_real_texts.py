"""Real tweets, screened for an expert that was taught on others: skipped where there are none."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tasks.core.screening.linear_screen import fit_screen
from tasks.core.screening.promise import Promise
from tests.support.kept_promises import keeps
from tests.support.labelled_files import real_data
from tests.support.simulated import Population, recalls

pytestmark = pytest.mark.slow
FITTED, TEXTS = 15_000, 60_000


@pytest.fixture(scope="module")
def texts():
    pool = pq.read_table(real_data("tweets_unlabelled_pool.parquet"), columns=["text"])["text"].combine_chunks()
    return pool.take(pa.array(np.random.default_rng(0).choice(len(pool), TEXTS, replace=False)))


@pytest.fixture(scope="module")
def expert(texts):
    """A word model of offence, which stands for a slow expert."""
    labelled = pq.read_table(real_data("tweeteval_offensive.parquet"))
    words = TfidfVectorizer(min_df=3, sublinear_tf=True)
    model = LogisticRegression(max_iter=200).fit(
        words.fit_transform(labelled["text"].to_pylist()), labelled["label"].to_numpy()
    )
    return model.decision_function(words.transform(texts.to_pylist()))


def test_a_screen_of_real_tweets_passes_few_and_keeps_what_is_promised(texts, expert):
    screen = fit_screen(texts.slice(0, FITTED), expert[:FITTED, None], ("offensive",))
    found = screen.score(texts.slice(FITTED))
    pool = Population(expert[FITTED:], found)
    promise = Promise(0.02, 0.95, 0.95)
    assert keeps(recalls([pool], promise, 300), promise)
    top = pool.expert >= np.quantile(pool.expert, 0.98)
    assert (found >= np.quantile(found[top], 0.05)).mean() < 0.2
