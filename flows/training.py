"""Labelled data -> search -> seeds on Dask -> the best of each study, registered under the round's alias."""

from functools import partial

from prefect.futures import PrefectFuture

from flows.names import place_of
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile
from infra.fan_out import settle_all
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.training.search.halving import Search
from tasks.core.training.search.trial import TrialResult, TrialStep
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.lineage import trace_training
from tasks.links import begin_links
from tasks.progress import Count
from tasks.records.live_runs import LiveRun
from tasks.records.study_runs import failed_when_interrupted
from tasks.search import (
    conclude_search,
    finished_trials,
    open_search,
    pending_trials,
    publish_search_table,
    reopen_studies,
    train_trial,
)
from tasks.training import (
    Study,
    prepare_data,
    publish_tables,
    register_study,
    select_study,
    start_study,
    train_one_seed,
    unfinished_seeds,
)


@round_flow("training")
def training(round_file: str, cluster: str | None = None) -> None:
    """Search hyper-parameters if the round asks for it, train every seed, choose the best, register it.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    round_.require_own_models()
    cluster = cluster or round_.clusters.training
    prepared = [prepare_data(round_, name, labels) for name, labels in round_.studies.items()]
    with failed_when_interrupted() as opened:
        studies = [start_study(round_, splits, opened) for splits in prepared]
        if round_.training.search.strategy != "none":
            studies = search_settings(round_, studies, cluster)
        failures = train_unfinished(round_, studies, cluster)
        select_seeds(round_, studies, failures, opened)
    trace_training(round_, prepared)


def select_seeds(round_: Round, studies: list[Study], failures: dict[str, str], opened: list[LiveRun]) -> None:
    """Choose and register a seed of every study that has enough; then raise the first failure, if there is one."""
    states = [select_study(round_, study, failures, return_state=True) for study in studies]
    chosen = [(study, state.result()) for study, state in zip(studies, states, strict=True) if state.is_completed()]
    publish_tables(round_, [one for _, one in chosen])
    registered = [register_study(round_, study, one, opened, return_state=True) for study, one in chosen]
    for selected in states:
        selected.result()
    for state in registered:
        state.result()


def search_settings(round_: Round, studies: list[Study], cluster: str) -> list[Study]:
    """Find batch size and learning rate of each study on the cluster."""
    profile = read_profile(cluster)
    runner = task_runner(profile, place_of(round_, "training"))
    run = below("search", search_trials, runner, round_)
    searches = run({study.name: study for study in studies}, profile.lost_worker_attempts)
    concluded = [conclude_search(round_, study, searches[study.name]) for study in studies]
    publish_search_table(round_, [outcome for _, outcome in concluded])
    return [study for study, _ in concluded]


@side_by_side("search-trials")
def search_trials(studies: dict[str, Study], attempts: int) -> dict[str, Search]:
    """Train the trials of a rung side by side, judge them, go on with those that are left."""
    searches = {name: open_search(study) for name, study in studies.items()}
    while pending := pending_trials(studies, searches):
        results = finished_trials(pending)
        trials = {step.name: (step, study) for step, study in pending if step.plan.config_hash not in results}
        reopen_studies(trials)
        settled = settle_all(partial(submit_trial, trials), trials, attempts)
        results |= {trials[name][0].plan.config_hash: result for name, result in settled.results.items()}
        failures = {trials[name][0].plan.config_hash: str(failure) for name, failure in settled.failures.items()}
        for search in searches.values():
            search.judge(results, failures)
    return searches


def submit_trial(trials: dict[str, tuple[TrialStep, Study]], name: str) -> PrefectFuture[TrialResult]:
    """Give out one of the trials."""
    return train_trial.submit(*trials[name])


def train_unfinished(round_: Round, studies: list[Study], cluster: str) -> dict[str, str]:
    """Train what is not trained yet on the cluster; return why seeds failed, by config hash."""
    unfinished = unfinished_seeds(studies)
    if not unfinished:
        return {}
    profile = read_profile(cluster)
    runner = task_runner(profile, place_of(round_, "training"))
    train = below("seeds", train_seeds, runner, round_)
    return train(round_, unfinished, profile.lost_worker_attempts)


@side_by_side("train-seeds")
def train_seeds(round_: Round, unfinished: list[tuple[SeedPlan, Study]], attempts: int) -> dict[str, str]:
    """Train the seeds side by side; return why some failed, by config hash."""
    seeds = {f"{plan.study} seed {plan.seed}": (plan, study) for plan, study in unfinished}
    total = sum({study.name: len(study.plans) for _, study in unfinished}.values())
    bar = Count(round_, "training", "seeds are trained", total, total - len(seeds))
    settled = settle_all(lambda name: train_one_seed.submit(*seeds[name]), seeds, attempts, bar.update)
    return {seeds[name][0].config_hash: str(failure) for name, failure in settled.failures.items()}
