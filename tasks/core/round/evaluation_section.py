"""The evaluation section of a round file: the rank sample, calibration, what is measured, and the release gate."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from tasks.core.round.sections import Label, Seed, Settings

Rank = Annotated[int, Field(ge=1)]
Fall = Annotated[float, Field(ge=0, le=1)]


class CalibrationSettings(Settings):
    """How scores are made probabilities by the labels of the pool."""

    method: Literal["platt", "isotonic"] = "platt"
    """`platt` fits a logistic curve to the log-odds of scores, `isotonic` any curve that rises; both to bootstraps, and
    the mean counts."""
    bootstraps: int = Field(default=10_000, ge=1)
    """The curve is the mean of those of so many bootstraps."""
    balanced: bool = True
    """Each bootstrap has as many true texts as false ones; false keeps them as they were labelled."""
    minimum_of_each: int = Field(default=10, ge=2)
    """With fewer true or fewer false labelled texts nothing is calibrated."""
    draw_seed: Seed = 0
    """The drawing of bootstraps is fixed by this number."""


class RankSample(Settings):
    """The texts that are labelled to judge a ranking: some of every stretch of it."""

    ranks: int = Field(default=17, ge=2)
    """So many ranks, as far apart on a logarithmic scale, part the ranking into strata."""
    largest_rank: int = Field(default=1_000_000, ge=2)
    """The last stratum ends at this rank, or at the last text of a smaller sample."""
    texts_a_rank: int = Field(default=10, ge=1)
    """So many texts are drawn at random from each stratum, or all of a smaller one."""
    texts_below: int = Field(default=0, ge=0)
    """So many texts are drawn from those below the largest rank; with none, nothing is known of them."""
    draw_seed: Seed = 0
    """The drawing of texts is fixed by this number: the same number and scores give the same texts."""


class Gate(Settings):
    """How far a version's figures may fall below the champion's before it is refused."""

    precision_at: dict[Rank, Fall] = Field(default={50: 0.1, 10_000: 0.2})
    """The precision among so many best texts may fall by at most this much: 0.1 lets 0.9 become 0.8."""
    expansion: Fall = 0.5
    """The share of the sample above the calibrated threshold may shrink by at most this share of itself: 0.5 halves
    it; 1 lets it shrink to nothing."""
    first_labels: int = Field(default=20, ge=1)
    """Where there is no champion yet, a version becomes it with so many labels down to the first of the numbers of
    `precision_at`, and so many between each and the next, or of half the texts there."""
    same_texts: bool = True
    """Versions are compared where they ranked the very same texts; false compares those of two samples, too, if their
    numbers of texts differ by no more than a tenth: only you can know that both were drawn alike."""
    largest_psi: float | None = Field(default=None, gt=0)
    """A population stability index above this refuses the version too; null lets drift be explained only."""


class Diversity(Settings):
    """How unlike each other the best texts are."""

    texts: int = Field(default=0, ge=0, le=20_000)
    """Distances are taken between so many best texts of each label; 0 takes none."""
    by: Literal["checkpoint", "words"] = "words"
    """`checkpoint` compares the mean of the label's checkpoint's last hidden states, `words` TF-IDF of the words."""


class Evaluation(Settings):
    """How a ranking is judged by labels of the pool, and when its version becomes champion."""

    rank_sample: RankSample = RankSample()
    """The texts to be labelled are drawn as this section says."""
    precision_at: tuple[Rank, ...] = Field(default=(20, 50, 10_000), min_length=1)
    """The precision is estimated among so many best texts, for each of these numbers."""
    calibration: CalibrationSettings = CalibrationSettings()
    """Scores are made probabilities as this section says."""
    gate: Gate = Gate()
    """A version becomes champion as this section says."""
    seed_sentences: dict[Label, tuple[str, ...]] = Field(default={})
    """Each label may have sentences that its texts hold (`I lost my job`); the share of those texts that rank high is
    a figure."""
    seed_sentence_rank: Rank = 10_000
    """A text with a seed sentence counts as found among so many best texts."""
    diversity: Diversity = Diversity()
    """The variety of the best texts is measured as this section says."""
    compare_tied_seeds: bool = False
    """Seeds that were tied in validation are compared by the labels of the rank sample."""

    @field_validator("precision_at")
    @classmethod
    def _rising(cls, ranks: tuple[int, ...]) -> tuple[int, ...]:
        if list(ranks) != sorted(set(ranks)):
            raise ValueError(f"precision_at must rise, each once, but they are {list(ranks)}")
        return ranks

    @field_validator("seed_sentences")
    @classmethod
    def _no_blank(cls, sentences: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for label, own in sentences.items():
            if not own or any(not sentence.strip() for sentence in own):
                raise ValueError(f"seed_sentences of '{label}' must each hold words, but they are {list(own)}")
        return sentences
