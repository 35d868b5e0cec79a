"""What a section says whose facts are not there."""

from tasks.core.round.model import Round


class Absent(Exception):  # noqa: N818 - nothing is wrong: a flow has not run yet
    """A section's facts are not there yet, or cannot be read."""

    def __init__(self, why: str, command: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.command = command
        """This command makes the facts; nothing stands here where none does."""


def run_flow(flow: str, round_: Round, options: str = "") -> str:
    """Return the command that runs a flow of a round."""
    return f"prefect deployment run {flow}/{round_.name} --watch{options}"


def make_models(flow: str, round_: Round) -> str:
    """Return the command that runs a flow of the round that makes the round's models."""
    return f"prefect deployment run {flow}/{round_.model_round} --watch"
