"""Which finished runs of a round are published."""

from pathlib import Path

from tasks.core.base.errors import RoundFileError, RunFolderError
from tasks.core.round.model import Round
from tasks.core.round.publishing_section import Publishing
from tasks.core.runs.round_runs import whole_runs

FIRST, ELSE = "new_samples", "evaluation"
"""Scores of the first of these samples are published, where the round has it, and else of the other."""


def require_publishing(round_: Round) -> Publishing:
    """Return the section of a round that says how it is published.

    Raises:
        RoundFileError: it has none.
    """
    if round_.publishing is None:
        raise RoundFileError(
            f"the round {round_.name} has no section `publishing`, so it is not said where its scores go. "
            "deployments/rounds/examples/us-iter2-adaptive.yaml has one; REFERENCE.md describes every key."
        )
    return round_.publishing


def published_samples(round_: Round) -> tuple[str, ...]:
    """Return the samples whose scores are published.

    Raises:
        RoundFileError: the round has neither of those that are taken unasked.
    """
    named = require_publishing(round_).samples
    samples = named or (FIRST if FIRST in round_.samples else ELSE,)
    if samples[0] not in round_.samples:
        raise RoundFileError(
            f"publishing takes the sample '{FIRST}' or '{ELSE}', but the round {round_.name} has "
            f"{sorted(round_.samples)}: say in publishing.samples which of them"
        )
    return samples


def find_runs(round_: Round, run_name: str) -> list[Path]:
    """Return the newest finished run over the whole of each sample that is published.

    Raises:
        RunFolderError: a sample has none.
    """
    return [_find_run(round_, run_name, sample) for sample in published_samples(round_)]


def _find_run(round_: Round, run_name: str, sample: str) -> Path:
    for _, folder in whole_runs(round_, run_name, sample):
        return folder.path
    raise RunFolderError(
        f"no finished run '{run_name}' of {round_.name} over all of the sample '{sample}' lies in "
        f"{round_.inference.output_path}. Run: prefect deployment run inference/{round_.name} -p sample={sample} "
        f"-p run_name={run_name}"
    )
