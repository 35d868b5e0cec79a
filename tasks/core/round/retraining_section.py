"""The retraining section of a round file: what starts the next round when labels arrive."""

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from tasks.core.round.sections import Settings

CRON = re.compile(r"[\w*/,\-]+( [\w*/,\-]+){4}")


class Retraining(Settings):
    """The next round is written, deployed and started when the round's labels have changed: once for a snapshot."""

    watched_folder: Path | None = None
    """Files of answers that are moved into this folder whole are imported, each once: .csv, .parquet or Label Studio's
    .json that names its batch, as `winnow labels export` and the sheets do."""
    cron: str | None = None
    """At these times (minute, hour, day, month, weekday: `*/10 * * * *`) the watched folder is looked at, and labels
    are found that were imported while Prefect was away; null leaves it to imports."""
    timezone: str = Field(default="UTC", min_length=1)
    """The times of `cron` are those of this place, such as `America/New_York`."""
    with_evaluation: bool = False
    """The evaluation's labels are trained on, too; they judge no model afterwards."""

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        if cron is not None and not CRON.fullmatch(cron):
            raise ValueError("a cron has five fields with one space between: minute hour day month weekday")
        return cron

    @model_validator(mode="after")
    def _looked_at(self) -> "Retraining":
        if self.watched_folder is not None and self.cron is None:
            raise ValueError(
                "watched_folder needs cron, which says when it is looked at; every ten minutes is '*/10 * * * *'"
            )
        return self
