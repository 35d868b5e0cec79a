"""What is said where a figure says less than it seems to; when, is decided by warning_rules.py beside it."""

from collections.abc import Mapping, Sequence

NOT_MEASURED = "not measured"
"""This stands in place of a figure for which there are too few texts, never 0 or 1."""


def marked(warnings: Sequence[str]) -> str:
    """Return the warnings as Markdown, a paragraph each, to stand above a table."""
    return "".join(f"**Warning:** {warning}\n\n" for warning in warnings)


def behind_baseline(where: str, metric: str, model: float, baseline: float, seed: int) -> str:
    """Say that TF-IDF beats the selected seed; `where` names label and split."""
    return (
        f"{where}: TF-IDF with logistic regression is ahead of the selected seed {seed}, {metric.replace('_', ' ')} "
        f"{baseline:.4f} against {model:.4f}. The model is not worth its cost as it is: look at the labels and at "
        "training's settings, or label more texts."
    )


def one_seed(study: str, seed: int) -> str:
    """Say that a single seed shows no spread."""
    return (
        f"{study}: seed {seed} is the only one. It says nothing of how far seeds spread, so that no deviation is "
        "shown, and a difference to another model may be chance. Set training.seeds to three or more."
    )


def too_few_texts(what: str, texts: int, remedy: str) -> str:
    """Say that figures are not measured for want of texts, and what gives more of them."""
    return f"{what}: {NOT_MEASURED}, for {texts:,} texts are too few. {remedy}"


def unlike_splits(label: str, splits: Mapping[str, tuple[int, int]], confidence: float) -> str:
    """Say that the splits, each (positives, negatives), have other shares of positives."""
    shares = ", ".join(
        f"{split} {positives / (positives + negatives):.1%} of {positives + negatives:,}"
        for split, (positives, negatives) in splits.items()
    )
    return (
        f"{label}: the splits' shares of positives lie farther apart than chance brings them (Fisher's exact test, "
        f"{confidence:.0%} confidence over all pairs): {shares}. Average precision, F1 and the best threshold depend "
        "on that share, so that figures of one split say little of another. Rows that sampling added to train are such "
        "a case; else draw the splits alike, or let Winnow draw them."
    )


def far_from_pool(label: str, split: str, share: float, low: float, high: float) -> str:
    """Say that a split's share of positives is not that of the pool, which lies between `low` and `high`."""
    of_pool = f"{low:.2%}" if low == high else f"between {low:.2%} and {high:.2%}"
    return (
        f"{label}: {share:.1%} of the {split} rows are positive, but {of_pool} of the pool's "
        f"texts. Precision, average precision and F1 on the {split} rows are not those of the pool."
    )


def cut_texts(study: str, share: float, length: int, longer: int, left: float) -> str:
    """Say which share of the texts is cut at `length` tokens, and which at the `longer` one, if there is one."""
    remedy = (
        f"training.max_length_tokens: {longer} would cut {left:.1%}"
        if longer > length
        else "the base model reads no more tokens; one that does would see them"
    )
    return f"{study}: {share:.1%} of the labelled texts are cut at {length} tokens, and their ends not seen; {remedy}."
