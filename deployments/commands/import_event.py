"""What `winnow labels import` tells Prefect, so that the next round starts; labels are imported without it, too."""

from collections.abc import Sequence
from pathlib import Path

from tasks.core.exchange.answers import ImportRecord
from tasks.core.round.model import Round
from tasks.intake import tell_import


def tell_lines(round_: Round, records: Sequence[ImportRecord]) -> list[str]:
    """Tell Prefect of imports into a round with the section `retraining`, and say whether it heard."""
    intake = f"intake/{round_.name}"
    said = {Path(record.file).name: {"digest": record.digest, "new": record.new} for record in records}
    reason = tell_import(round_, {"files": said})
    if not reason:
        return [f"Prefect was told: {intake} starts what follows from these labels"]
    cron = None if round_.retraining is None else round_.retraining.cron
    later = f"the schedule `{cron}` finds them" if cron else "the next import tells it"
    return [
        f"The labels are imported, but Prefect was not told: {reason}",
        f"Once it is up, {later}; or at once: prefect deployment run {intake}",
    ]
