"""Exact bounds on a share of which a draw has shown some (Clopper and Pearson, 1934)."""

CONFIDENCE = 0.95


def share_bound(found: int, texts: int, confidence: float = CONFIDENCE) -> float:
    """Return the share of a pool that at most does what `found` of `texts` texts drawn from it did.

    It is one-sided: of a pool with a larger share as few are found in less than 5 % of all draws. Where none is found
    it is about 3 / texts.
    """
    from scipy.stats import beta  # noqa: PLC0415 - half a second, where a share is bounded

    return 1.0 if found >= texts else float(beta.ppf(confidence, found + 1, texts - found))


def share_interval(found: int, texts: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return between which shares a pool lies of which `found` of `texts` drawn texts did something."""
    one_sided = (1 + confidence) / 2
    return 1 - share_bound(texts - found, texts, one_sided), share_bound(found, texts, one_sided)
