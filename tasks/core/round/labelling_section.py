"""The labelling section of a round file: what labellers are told, and what their answers come to."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.core.round.sections import Label, Settings

Rule = Literal["majority", "unanimous", "adjudicate"]


class Examples(Settings):
    """Texts that show labellers where a label begins and ends."""

    yes: tuple[str, ...] = ()
    """The label is true of these texts."""
    no: tuple[str, ...] = ()
    """The label is not true of these texts, close as they may be."""


class Labelling(Settings):
    """How texts of a batch are labelled, and what the answers of several annotators come to."""

    rule: Rule = "majority"
    """`majority` takes what most of those say who said yes or no, and leaves a tie undecided; `unanimous` leaves every
    disagreement undecided; `adjudicate` does too, and lists it for a last judgement. Unsure and blank are no votes."""
    least_votes: int = Field(default=1, ge=1)
    """A text's label stays undecided until so many annotators have said yes or no."""
    controls: Path | None = None
    """This CSV or Parquet file with `tweet_id`, `text`, `label` and `answer` holds questions whose answer is known;
    they are mixed into what labellers get."""
    controls_right: float = Field(default=0.8, gt=0, le=1)
    """Annotators who answer a smaller share of the controls rightly are left out, with all that they answered."""
    instructions: dict[Label, str] = Field(default={})
    """Labellers read this above a text, label by label."""
    examples: dict[Label, Examples] = Field(default={})
    """Labellers see these texts, label by label."""
