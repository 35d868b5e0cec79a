"""The sampling section of a round file: which texts of a scored sample go to labellers next, and how many."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tasks.core.round.sections import Name, Seed, Settings

Language = Literal["en", "es", "pt", "any"]
MethodName = Literal["exploit_explore", "adaptive", "uncertainty_calibrated", "uncertainty", "stratified", "random"]
METHODS: dict[int, MethodName] = {
    0: "exploit_explore",
    1: "adaptive",
    2: "uncertainty_calibrated",
    3: "uncertainty",
    4: "stratified",
}
"""A round's `method` is the number of one of these."""
Count = Annotated[int, Field(ge=1)]


class Explore(Settings):
    """Motifs: two or three words that stand together more often in a label's best texts than in random ones."""

    motifs: int = Field(default=5, ge=0)
    """So many motifs of two words are chosen for each label, and as many of three."""
    texts: Count = 5
    """For each motif, so many random texts that hold it are drawn."""
    random_texts: int = Field(default=1_000_000, ge=100)
    """The best texts are compared with so many random ones, or with all where the sample has fewer."""
    least_lift: float = Field(default=1.0, ge=0)
    """A motif stands in the best texts at least so many times as often as in random ones."""
    least_texts: Count = 10
    """A motif stands in at least so many of the best texts, and in as many of the random ones."""
    skips: int | None = Field(default=None, ge=0)
    """At most so many other words may stand between those of a motif, in all; null allows any number."""
    words: int = Field(default=64, ge=3, le=255)
    """The first words of a text are looked at, so many of them."""
    used: tuple[str, ...] = ()
    """These motifs are never chosen, such as `lost job`; those of earlier batches of the country are not either."""


class Sampling(Settings):
    """The next labelling batch: every label's texts by one method, and random ones beside them."""

    sample: Name | None = None
    """Texts are drawn from this one of the round's `samples`; null takes `new_samples` where there is one, and else
    `evaluation`."""
    method: MethodName | None = None
    """Texts are drawn by this method; null takes the round's."""
    top: Count = 10_000
    """So many texts are a label's best: exploit draws from them, and explore compares them with random ones."""
    exploit_texts: Count = 50
    """Exploit-explore draws so many random texts of a label's best."""
    explore: Explore = Explore()
    """Exploit-explore also draws texts that hold a motif, found as this section says."""
    adaptive_texts: Count = 100
    """Adaptive takes so many of a label's best-scored texts."""
    uncertain_texts: Count = 50
    """Both uncertainty methods take so many texts just above the threshold, and as many just below."""
    raw_threshold: float = Field(default=0.5, gt=0, lt=1)
    """Uncertainty on raw scores takes this score for the threshold; on calibrated scores it is found by calibration."""
    strata: tuple[Count, ...] = Field(default=(10, 100, 1_000, 10_000, 100_000, 1_000_000), min_length=1)
    """Stratified draws from strata of ranks that end with these; each begins behind the one before."""
    stratum_texts: Count = 20
    """Stratified draws so many texts from each stratum, or all where it has fewer."""
    random_texts: int = Field(default=100, ge=0)
    """So many random texts of the sample, the same for every label, are drawn beside those of the method."""
    language: Language | None = None
    """Motifs are made of the words of this language; null takes that of the round's country, or `any` where Winnow does
    not know it."""
    author_column: str | None = None
    """This column of the sample says who wrote a text; null caps no author's texts."""
    texts_per_author: Count = 3
    """An author has at most so many texts in a batch."""
    near_duplicate_similarity: float | None = Field(default=0.8, gt=0, le=1)
    """Texts that share at least so large a part of their character 5-grams are near-duplicates, of which one goes out;
    null tells apart all but equal texts."""
    drawn_first: int = Field(default=4, ge=1)
    """Where texts are drawn at random, so many times as many are drawn first, so that enough are left without those
    that were labelled before and those that caps leave out."""
    random_state: Seed = 0
    """The draws are fixed by this number: another one draws another batch from the same scores."""
    memory_gib: float = Field(default=4.0, ge=0.5)
    """Ranking holds at most so much in memory, and works on the disk beyond that."""

    @field_validator("strata")
    @classmethod
    def _rising(cls, strata: tuple[int, ...]) -> tuple[int, ...]:
        if list(strata) != sorted(set(strata)):
            raise ValueError(f"strata must rise, each once, but they are {list(strata)}")
        return strata

    @model_validator(mode="after")
    def _some_drawn(self) -> "Sampling":
        if self.method == "random" and not self.random_texts:
            raise ValueError("method is 'random' and random_texts is 0, so nothing would be drawn; 100 is usual")
        return self
