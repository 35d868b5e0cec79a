"""The hyper-parameter search as Prefect tasks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.naming.artifact_names import SEARCH_ARTIFACT, artifact_key
from tasks.core.round.model import Round
from tasks.core.training.search.halving import Search, SearchOutcome
from tasks.core.training.search.trial import TrialResult, TrialStep, read_trial, run_trial
from tasks.records.child_runs import curves_of, is_logged, log_trial, trial_run
from tasks.records.study_runs import log_search
from tasks.retrying import RETRIED
from tasks.seed_story import PaceStory, figure
from tasks.story import say
from tasks.training import Study


def open_search(study: Study) -> Search:
    """Return the search of a study, at its start; stored results carry it forward."""
    return Search(study.plans[0])


def pending_trials(studies: dict[str, Study], searches: dict[str, Search]) -> list[tuple[TrialStep, Study]]:
    """Return the next trials of all searches."""
    return [(step, studies[name]) for name, search in searches.items() for step in search.pending()]


def reopen_studies(trials: dict[str, tuple[TrialStep, Study]]) -> None:
    """Say that the studies go on that have trials to train."""
    for study in {study.name: study for _, study in trials.values()}.values():
        study.run.reopen()


@task(
    task_run_name="{step.name} to step {step.stop_at_step}",
    **RETRIED,
)
def train_trial(step: TrialStep, study: Study) -> TrialResult:
    """Train a trial up to its step, logged as a child run."""
    with trial_run(study.tags, step, study.run.name, study.run.run) as run:
        result = run_trial(step, curves_of(run), PaceStory(step.name).stepped)
        log_trial(run, step, result)
    found = figure(step.plan.training.metric, result.value)
    say(f"{step.name}: validation {found} by step {step.stop_at_step:,}")
    return result


def finished_trials(pending: list[tuple[TrialStep, Study]]) -> dict[str, TrialResult]:
    """Return the results that are there and logged already, by config hash."""
    found = {step.plan.config_hash: read_trial(step) for step, study in pending if is_logged(step, study.run.name)}
    return {key: result for key, result in found.items() if result is not None}


@task(task_run_name="conclude-search-{study.name}", cache_policy=NO_CACHE, persist_result=False)
def conclude_search(round_: Round, study: Study, search: Search) -> tuple[Study, SearchOutcome]:
    """Print a search's table; return the study with the settings that were found."""
    outcome = search.outcome()
    say(f"search of {study.name}:\n{outcome.text(round_.base_model)}")
    study.run.hear(lambda run: log_search(run, outcome, round_.base_model))
    return replace(study, plans=[outcome.apply(plan) for plan in study.plans], search=outcome), outcome


def publish_search_table(round_: Round, outcomes: list[SearchOutcome]) -> None:
    """Leave the trials of all studies as a table in the Prefect UI, the best first."""
    rows = [trial_row(outcome.study, row) for outcome in outcomes for row in outcome.rows]
    leave_table(artifact_key(round_.name, SEARCH_ARTIFACT), rows, f"Hyper-parameter search of {round_.name}")


def trial_row(study: str, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's row of a search's table, its end and its steps in the first cell."""
    figures = {name: _shown(value) for name, value in trial.items() if name not in {"state", "steps"}}
    return {"trial": f"{trial['state']}, {trial['steps']:,} steps", "study": study} | figures


def _shown(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value
