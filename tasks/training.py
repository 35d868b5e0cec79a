"""Training as Prefect tasks: data, search, seeds, selection."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.naming.artifact_names import RESULTS_ARTIFACT, SEEDS_ARTIFACT, TEST_ARTIFACT, artifact_key
from tasks.core.base.naming.work_places import selection_path, splits_folder
from tasks.core.base.threads import cpu_threads
from tasks.core.conversion.rehearsal import rehearsal_of, rehearsals_of, rehearse
from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.corpus.labelled.rows import blank_words_told
from tasks.core.metrics.warning_words import marked
from tasks.core.round.model import Round
from tasks.core.training.search.halving import SearchOutcome
from tasks.core.training.seeds.comparison import Comparison, compare_models
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult, plan_seeds, read_result
from tasks.core.training.seeds.selection import Selection, select_seed
from tasks.core.training.seeds.selection_file import write_selection
from tasks.core.training.seeds.study_warnings import data_warnings, selection_warnings
from tasks.core.training.trainer.workspace import has_begun
from tasks.links import add_link
from tasks.records.base_model_versions import local_base_model
from tasks.records.checkpoint_versions import register_checkpoint
from tasks.records.child_runs import curves_of, finished_seed_run, is_recorded, log_seed, seed_run
from tasks.records.live_runs import LiveRun
from tasks.records.reachable import needs_server
from tasks.records.seeds_page import seeds_address
from tasks.records.study_runs import (
    describe_data,
    describe_study,
    end_study,
    log_search,
    log_selection,
    name_study,
    open_study,
    selection_note,
    tell_children,
)
from tasks.retrying import RETRIED, TOLD
from tasks.seed_story import SeedStory, both, figure
from tasks.story import say, warn


@dataclass(frozen=True)
class Study:
    """What is trained together: its data, its planned seeds and its parent run."""

    name: str
    splits: LabelledSplits
    plans: list[SeedPlan]
    run: LiveRun
    tags: dict[str, str]
    """The child runs of the study have these tags."""
    warnings: tuple[str, ...] = ()
    """A person should know this of the data before believing figures of the study."""
    search: SearchOutcome | None = None
    """A search gave the settings of the plans."""


@dataclass(frozen=True)
class Chosen:
    """A study's selection, how it compares, and what to know before believing it."""

    selection: Selection
    comparison: Comparison
    warnings: list[str]


@task(task_run_name="prepare-{name}", cache_policy=NO_CACHE, persist_result=False)
def prepare_data(round_: Round, name: str, labels: dict[str, str]) -> LabelledSplits:
    """Check and split a study's data."""
    training = round_.training
    request = StudyRequest(name, labels, training.head, training.metric, round_.preprocessing)
    splits = prepare_splits(round_.labelled_data, request, splits_folder(round_.work_path) / round_.name)
    say(f"{name}: {_described(splits)}")
    if splits.blank_words:
        say(f"{name}: {blank_words_told(splits.blank_words)}")
    say(f"{name}: report of the data: {splits.report_path}")
    return splits


def _described(splits: LabelledSplits) -> str:
    """Say how many rows each split has, how many of them are positive, and how many were left out and why."""
    rows = ", ".join(f"{split} {count:,}" for split, count in splits.rows.items())
    counts = {label: ", ".join(f"{n:,}" for n in found.values()) for label, found in splits.positives.items()}
    positives = "; ".join(f"positives of {label}: {found}" for label, found in counts.items())
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in splits.left_out.items())
    return f"rows: {rows}; {positives}" + (f"; left out: {left_out}" if left_out else "")


@task(task_run_name="start-{splits.study}", **TOLD)
def start_study(round_: Round, splits: LabelledSplits, opened: list[LiveRun]) -> Study:
    """Plan a study's seeds, try their model untrained, and open their parent run, which joins `opened`."""
    plans = plan_seeds(round_, splits, local_base_model(round_))
    if any(read_result(plan) is None for plan in plans):
        left_out = rehearse(rehearsal_of(round_, splits.labels, plans[0].base_model, plans[0].base_model_digest))
        if left_out:
            warn(f"{splits.study}: {left_out}")
    run = open_study(name_study(round_, plans[0]), Path(plans[0].root))
    opened.append(run)
    run.hear(lambda known: describe_data(known, round_, splits))
    add_link(f"seeds of {splits.study}", Path(plans[0].root))
    if run.run is not None:
        add_link(
            f"MLflow, seeds of {splits.study}", f"[side by side]({seeds_address(run.run.experiment, splits.study)})"
        )
    warnings = data_warnings(plans[0])
    _warn(warnings)
    return Study(splits.study, splits, plans, run, round_.tags(splits.study), tuple(warnings))


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        warn(warning)


def try_base_model(round_: Round) -> list[str]:
    """Try the untrained models of a round's studies, and return why variants will be left out of their conversion.

    Raises:
        RegistryError: the registry does not hold the base model.
        ModelFolderError: what is trained from it could not be converted, or would not score as it was trained.
    """
    left_out = {rehearse(rehearsal) for rehearsal in rehearsals_of(round_, local_base_model(round_))}
    return sorted(filter(None, left_out))


def unfinished_seeds(studies: list[Study]) -> list[tuple[SeedPlan, Study]]:
    """Return the seeds that still have to be trained or logged; the runs of their studies go on."""
    found = [(plan, study) for study in studies for plan in study.plans if finished_seed(plan, study) is None]
    for name in dict.fromkeys(study.name for _, study in found):
        next(study for study in studies if study.name == name).run.reopen()
    return found


def finished_seed(plan: SeedPlan, study: Study) -> SeedResult | None:
    """Return the result of a seed that is trained and recorded, told or not, or None."""
    result = read_result(plan)
    if result is None or is_recorded(plan, study.run.name, result):
        return result
    logged: list[bool] = []  # by a version that left no record
    study.run.hear(lambda run: logged.append(finished_seed_run(plan, run) is not None))
    return result if any(logged) else None


@task(
    task_run_name="{plan.study}-seed-{plan.seed}",
    **RETRIED,
)
def train_one_seed(plan: SeedPlan, study: Study) -> SeedResult:
    """Train a seed and log it as a child run; what is finished is not done again, for Dask may run a task twice.

    The MLflow server hears of it as it goes on, or is told later: the training waits for no answer.
    """
    from tasks.core.training.seeds.train_seed import train_seed  # noqa: PLC0415 - torch only where it is used

    finished = finished_seed(plan, study)
    if finished is not None:
        return finished
    begins, started = not has_begun(plan.folder), time.monotonic()
    story = SeedStory(plan, [other.seed for other in study.plans])
    story.begins(anew=begins)
    with seed_run(study.tags, plan, study.run.name, study.run.run) as run:
        result = train_seed(plan, both(curves_of(run), story.evaluated), story.stepped)
        spent = (time.monotonic() - started) * cpu_threads()
        log_seed(run, plan, result, spent if begins else None)
    story.ends(result)
    return result


@task(task_run_name="select-{study.name}", cache_policy=NO_CACHE, persist_result=False)
def select_study(round_: Round, study: Study, failures: dict[str, str]) -> Chosen:
    """Choose the study's seed, and leave the record beside the seeds."""
    failed = {plan.seed: failures[plan.config_hash] for plan in study.plans if plan.config_hash in failures}
    selection = select_seed(study.plans, failed)
    for seed, reason in selection.failed.items():
        warn(f"{study.name} is selected without seed {seed}: {reason}")
    comparison = compare_models(selection, _base_model(round_))
    for model, reason in comparison.left_out.items():
        warn(f"{study.name} is compared without {model}: {reason}")
    say(f"{study.name}: {_chosen(selection)}")
    found = selection_warnings(selection, comparison)
    _warn(found)
    warnings = [*study.warnings, *found]
    write_selection(selection_path(round_.work_path, round_.name, study.name), selection, comparison, warnings)
    return Chosen(selection, comparison, warnings)


def _chosen(selection: Selection) -> str:
    """Say which seed is selected, and which could as well have been."""
    seed, found = selection.winner.result.seed, figure(selection.metric, selection.winner.value)
    others = [str(tied) for tied in selection.tied_seeds if tied != seed]
    tied = f"; tied with it: {', '.join(others)}" if others else ""
    return f"seed {seed} is selected by validation {found}{tied}"


@task(task_run_name="register-{study.name}", **TOLD)
def register_study(round_: Round, study: Study, chosen: Chosen, opened: list[LiveRun]) -> None:
    """Tell the server all of a study that it has not heard, register the checkpoint for each label.

    Raises:
        TrackingAwayError: it does not answer; the message says what is kept.
    """
    with needs_server(
        f"All seeds of '{study.name}' are trained and kept in {study.plans[0].root}, the selection too; it is left to "
        f"register it. When the server is back, run again: {study.run.then} (it trains nothing again), or tell it "
        f"the runs alone: winnow sync {round_.name}."
    ):
        live = study.run if study.run.run else open_study(study.run.name, Path(study.plans[0].root))
        opened.append(live)
        describe_data(live.known, round_, study.splits)
        seeds = seeds_address(live.known.experiment, study.name)
        tell_children(live.name, study.plans)
        if study.search is not None:
            log_search(live.known, study.search, round_.base_model)
        log_selection(live.known, chosen.selection, chosen.comparison, chosen.warnings)
        describe_study(live.known, round_, chosen.selection, chosen.warnings)
        register_checkpoint(round_, live.known, chosen.selection, selection_note(round_, chosen.selection, seeds))
        end_study(live, live.known)
    say(f"{study.name}: registered as {round_.checkpoint_alias}; its seeds, side by side: {seeds}")


def publish_tables(round_: Round, chosen: list[Chosen]) -> None:
    """Leave the seeds of all studies, and how they compare on the test rows, as tables in the Prefect UI."""
    warnings = marked([warning for one in chosen for warning in one.warnings])
    name, selections = round_.name, [one.selection for one in chosen]
    leave_table(
        artifact_key(name, SEEDS_ARTIFACT),
        [row for one in selections for row in one.verdict_rows()],
        f"{warnings}Seeds of {name}; the winners are registered as {round_.checkpoint_alias}",
    )
    leave_table(
        artifact_key(name, RESULTS_ARTIFACT),
        [_short(row, round_) for one in chosen for row in one.comparison.rows()],
        f"{warnings}Results of {_base_model(round_)} of {name} on the test rows, per cent: mean (standard deviation)",
    )
    about = f"Seeds of {name} on the test rows, which decide nothing"
    leave_table(artifact_key(name, TEST_ARTIFACT), [row for one in selections for row in one.test_rows()], about)


def _base_model(round_: Round) -> str:
    """Return how tables call the model that the seeds begin with."""
    return Path(round_.base_model).name


def _short(row: dict[str, str], round_: Round) -> dict[str, str]:
    """Return a row of results without the base model's name, which is said above the table."""
    return row | {"Models": row["Models"].removeprefix(f"{_base_model(round_)}, ")}
