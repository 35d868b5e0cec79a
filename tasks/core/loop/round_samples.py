"""Which of a round's samples its steps take: whose ranking is judged, which texts are drawn from, what is published."""

from tasks.core.base.naming.round_names import MAIN_SAMPLE
from tasks.core.publishing.published_runs import published_samples
from tasks.core.round.model import Round
from tasks.core.sampling.scored_run import sample_of


def judged_sample(round_: Round) -> str:
    """Return the sample whose ranking the gate judges: `evaluation`, where the round has it.

    Raises:
        RoundFileError: the round has no sample that is taken unasked.
    """
    return MAIN_SAMPLE if MAIN_SAMPLE in round_.samples else sample_of(round_)


def scored_samples(round_: Round) -> list[str]:
    """Return the samples that are scored, each once.

    Raises:
        RoundFileError: the round has no sample that is taken unasked.
    """
    published = published_samples(round_) if round_.publishing is not None else ()
    return list(dict.fromkeys([sample_of(round_), judged_sample(round_), *published]))
