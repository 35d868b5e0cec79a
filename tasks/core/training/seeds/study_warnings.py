"""What a person should know of a study before believing its figures: by the rules of tasks.core.metrics."""

from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tasks.core.base.formats import Content
from tasks.core.base.naming.library_names import TOKENIZER_FILE
from tasks.core.corpus.labelled.label_report import read_label_report
from tasks.core.corpus.labelled.prepare import read_split
from tasks.core.corpus.labelled.splits import SPLITS
from tasks.core.metrics.warning_rules import (
    CONFIDENCE,
    cut_share,
    has_spread,
    is_behind,
    is_cut_often,
    length_that_cuts_less,
    shares_differ,
)
from tasks.core.metrics.warning_words import behind_baseline, cut_texts, one_seed, unlike_splits
from tasks.core.preprocessing import preprocess
from tasks.core.training.base_models.base_folder import longest_length
from tasks.core.training.seeds.comparison import TFIDF, Comparison
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.selection import Selection

JUDGED_BY = "average_precision"
"""Models are compared by this, and by the round's metric."""


def data_warnings(plan: SeedPlan) -> list[str]:
    """Return what a study's data warn of before any seed is trained: unlike splits, and texts that are cut."""
    return split_warnings(read_label_report(Path(plan.splits.report_path))) + length_warnings(plan)


def length_warnings(plan: SeedPlan) -> list[str]:
    """Return a warning where many of the labelled texts have more tokens than the model is given."""
    tokens, length = _tokens(plan), plan.training.max_length_tokens
    share = cut_share(tokens, length)
    if not is_cut_often(share):
        return []
    longer = max(length, length_that_cuts_less(tokens, longest_length(plan.base_model)))
    return [cut_texts(plan.study, share, length, longer, cut_share(tokens, longer))]


def _tokens(plan: SeedPlan) -> NDArray[np.int64]:
    """Return how many tokens each labelled text has, uncut."""
    tokenizer = Tokenizer.from_file(str(Path(plan.base_model) / TOKENIZER_FILE))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    splits = plan.splits
    texts = [text for split in SPLITS for text in read_split(splits.path, splits.labels, split).texts]
    encoded = tokenizer.encode_batch_fast(preprocess(plan.preprocessing, texts))
    return np.array([len(one) for one in encoded], dtype=np.int64)


def split_warnings(report: Content) -> list[str]:
    """Return a warning for each label whose splits are unlike draws of one pool, from the report of a study's data."""
    counted = {label: values_by_split(report, label) for label in report["positives"]}
    pairs = list(combinations(SPLITS, 2))
    return [
        unlike_splits(label, splits, CONFIDENCE)
        for label, splits in counted.items()
        if splits and any(shares_differ(splits[one], splits[other], len(pairs)) for one, other in pairs)
    ]


def values_by_split(report: Content, label: str) -> dict[str, tuple[int, int]]:
    """Return how many rows of each split are positive and negative; nothing where the report does not say."""
    if "negatives" not in report:
        return {}
    positives, negatives = report["positives"][label], report["negatives"][label]
    return {split: (positives[split], negatives[split]) for split in SPLITS}


def selection_warnings(selection: Selection, comparison: Comparison) -> list[str]:
    """Return what the selection and its comparison warn of: one seed, and a baseline that is ahead of it."""
    plan = selection.winner.plan
    alone = [] if has_spread(len(selection.candidates)) else [one_seed(plan.study, plan.seed)]
    return alone + _behind(selection, comparison)


def _behind(selection: Selection, comparison: Comparison) -> list[str]:
    own, baseline = selection.winner.result.metrics, comparison.baselines.get(TFIDF, {})
    labels = selection.winner.plan.splits.labels
    metrics = dict.fromkeys((JUDGED_BY, selection.metric))
    found = []
    for split in ("validation", "test"):
        for metric in metrics:
            for label in labels:
                name = _figure(f"{split}_{metric}", label, own)
                if name in own and name in baseline and is_behind(metric, own[name], baseline[name]):
                    where = f"{label if '.' in name else selection.winner.plan.study}, {split} rows"
                    found.append(behind_baseline(where, metric, own[name], baseline[name], selection.winner.plan.seed))
    return list(dict.fromkeys(found))


def _figure(name: str, label: str, figures: dict[str, float]) -> str:
    """Return the name of a label's own figure, where there is one; that of all labels together, else."""
    return f"{name}.{label}" if f"{name}.{label}" in figures else name
