"""Training as Prefect tasks: data, search, seeds, selection."""

from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from tasks.core.base.naming import RESULTS_ARTIFACT, SEEDS_ARTIFACT, artifact_key, selection_path, splits_folder
from tasks.core.conversion.rehearsal import rehearsal_of, rehearsals_of, rehearse
from tasks.core.corpus.labelled.prepare import LabelledSplits, StudyRequest, prepare_splits
from tasks.core.corpus.labelled.rows import blank_words_told
from tasks.core.round.model import Round
from tasks.core.training.seeds.comparison import Comparison, compare_models
from tasks.core.training.seeds.seed_plan import SeedPlan, SeedResult, plan_seeds, read_result
from tasks.core.training.seeds.selection import Selection, select_seed
from tasks.core.training.seeds.selection_file import write_selection
from tasks.records.base_model_versions import local_base_model
from tasks.records.checkpoint_versions import register_checkpoint
from tasks.records.study_runs import (
    describe_data,
    find_study,
    finished_seed_run,
    log_evaluation,
    log_seed,
    log_selection,
    seed_run,
)
from tasks.records.tracking import TrackedRun
from tasks.retrying import RETRIED


@dataclass(frozen=True)
class Study:
    """What is trained together: its data, its planned seeds and its parent run."""

    name: str
    splits: LabelledSplits
    plans: list[SeedPlan]
    run: TrackedRun
    tags: dict[str, str]
    """The child runs of the study have these tags."""


@dataclass(frozen=True)
class Chosen:
    """A study's selection, and how it compares."""

    selection: Selection
    comparison: Comparison


@task(task_run_name="prepare-{name}", cache_policy=NO_CACHE, persist_result=False)
def prepare_data(round_: Round, name: str, labels: dict[str, str]) -> LabelledSplits:
    """Check and split a study's data."""
    training = round_.training
    request = StudyRequest(name, labels, training.head, training.metric, round_.preprocessing)
    splits = prepare_splits(round_.labelled_data, request, splits_folder(round_.work_path) / round_.name)
    logger = get_run_logger()
    logger.info("%s: rows %s, positives %s, left out %s", name, splits.rows, splits.positives, splits.left_out)
    if splits.blank_words:
        logger.info("%s: %s", name, blank_words_told(splits.blank_words))
    logger.info("%s: report of the data: %s", name, splits.report_path)
    return splits


@task(task_run_name="start-{splits.study}", cache_policy=NO_CACHE, persist_result=False)
def start_study(round_: Round, splits: LabelledSplits, opened: list[TrackedRun]) -> Study:
    """Plan a study's seeds, try their model untrained, and open their parent run, which joins `opened`."""
    plans = plan_seeds(round_, splits, local_base_model(round_))
    if any(read_result(plan) is None for plan in plans):
        left_out = rehearse(rehearsal_of(round_, splits.labels, plans[0].base_model, plans[0].base_model_digest))
        if left_out:
            get_run_logger().warning("%s: %s", splits.study, left_out)
    run = find_study(round_, plans[0])
    opened.append(run)
    describe_data(run, round_, splits)
    return Study(splits.study, splits, plans, run, round_.tags(splits.study))


def try_base_model(round_: Round) -> list[str]:
    """Try the untrained models of a round's studies, and return why variants will be left out of their conversion.

    Raises:
        RegistryError: the registry does not hold the base model.
        ModelFolderError: what is trained from it could not be converted, or would not score as it was trained.
    """
    left_out = {rehearse(rehearsal) for rehearsal in rehearsals_of(round_, local_base_model(round_))}
    return sorted(filter(None, left_out))


def unfinished_seeds(studies: list[Study]) -> list[tuple[SeedPlan, Study]]:
    """Return the seeds that still have to be trained or logged."""
    return [(plan, study) for study in studies for plan in study.plans if finished_seed(plan, study) is None]


def finished_seed(plan: SeedPlan, study: Study) -> SeedResult | None:
    """Return the result of a seed that is trained and logged, or None."""
    result = read_result(plan)
    return result if result is not None and finished_seed_run(plan, study.run) is not None else None


@task(
    task_run_name="{plan.study}-seed-{plan.seed}",
    **RETRIED,
)
def train_one_seed(plan: SeedPlan, study: Study) -> SeedResult:
    """Train a seed and log it as a child run; what is finished is not done again, for Dask may run a task twice."""
    from tasks.core.training.seeds.train_seed import train_seed  # noqa: PLC0415 - torch only where it is used

    finished = finished_seed(plan, study)
    if finished is not None:
        return finished
    with seed_run(study.tags, plan, study.run) as run:
        result = train_seed(plan, lambda _, figures: log_evaluation(run, figures))
        log_seed(run, plan, result)
    return result


@task(task_run_name="select-{study.name}", cache_policy=NO_CACHE, persist_result=False)
def select_study(round_: Round, study: Study, failures: dict[str, str]) -> Chosen:
    """Choose the study's seed, leave the record on the parent run, register the checkpoint for each label."""
    failed = {plan.seed: failures[plan.config_hash] for plan in study.plans if plan.config_hash in failures}
    selection = select_seed(study.plans, failed)
    for seed, reason in selection.failed.items():
        get_run_logger().warning("%s is selected without seed %d: %s", study.name, seed, reason)
    comparison = compare_models(selection, Path(round_.base_model).name)
    for model, reason in comparison.left_out.items():
        get_run_logger().warning("%s is compared without %s: %s", study.name, model, reason)
    write_selection(selection_path(round_.work_path, round_.name, study.name), selection, comparison)
    log_selection(study.run, selection, comparison)
    register_checkpoint(round_, study.run, selection)
    study.run.end("FINISHED")
    return Chosen(selection, comparison)


def publish_tables(round_: Round, chosen: list[Chosen]) -> None:
    """Leave the seeds of all studies, and how they compare on the test rows, as tables in the Prefect UI."""
    create_table_artifact(
        key=artifact_key(round_.name, SEEDS_ARTIFACT),
        table=[row for one in chosen for row in one.selection.table()],
        description=f"Seeds of {round_.name}; the winners are registered as {round_.checkpoint_alias}",
    )
    create_table_artifact(
        key=artifact_key(round_.name, RESULTS_ARTIFACT),
        table=[row for one in chosen for row in one.comparison.rows()],
        description=f"Results of {round_.name} on the test rows, per cent: mean (standard deviation)",
    )
