"""Training as Prefect tasks."""

from dataclasses import dataclass

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from tasks.core.corpus.labelled import LabelledSplits, prepare_splits
from tasks.core.errors import TrainingError
from tasks.core.naming import artifact_key
from tasks.core.round import Round
from tasks.core.training.baseline import tfidf_baseline
from tasks.core.training.seed_plan import SeedPlan, SeedResult, plan_seeds, read_result, verified_checkpoint
from tasks.core.training.selection import Selection, select_seed
from tasks.registry import Registration, find_version, register_folder
from tasks.retrying import DELAYS_SECONDS, is_worth_retrying
from tasks.tracking import StudyRun, finished_seed_run, log_selection, open_study, seed_run


@dataclass(frozen=True)
class Study:
    """A label of a round: its data, its planned seeds and its parent run."""

    label: str
    splits: LabelledSplits
    plans: list[SeedPlan]
    run: StudyRun


@task(task_run_name="prepare-{label}", cache_policy=NO_CACHE, persist_result=False)
def prepare_study(round_: Round, label: str, column: str) -> Study:
    """Check and split a label's data, plan its seeds, open its parent run."""
    splits = prepare_splits(round_.labelled_data, label, column, round_.work_path / "splits")
    logger = get_run_logger()
    logger.info("%s: rows %s, positives %s, left out %s", label, splits.rows, splits.positives, splits.left_out)
    plans = plan_seeds(round_, splits)
    return Study(label, splits, plans, open_study(round_, label, plans[0].study_hash))


def unfinished_seeds(studies: list[Study]) -> list[tuple[SeedPlan, StudyRun]]:
    """Return the seeds that still have to be trained or logged."""
    return [(plan, study.run) for study in studies for plan in study.plans if finished_seed(plan, study.run) is None]


def finished_seed(plan: SeedPlan, study: StudyRun) -> SeedResult | None:
    """Return the result of a seed that is trained and logged, or None."""
    result = read_result(plan)
    return result if result is not None and finished_seed_run(plan, study) is not None else None


@task(
    task_run_name="{plan.label}-seed-{plan.seed}",
    retries=len(DELAYS_SECONDS),
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=is_worth_retrying,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def train_one_seed(plan: SeedPlan, study: StudyRun) -> SeedResult:
    """Train a seed and log it as a child run; what is finished is not done again, for Dask may run a task twice."""
    from tasks.core.training.seed import train_seed  # noqa: PLC0415 - torch only where it is used

    finished = finished_seed(plan, study)
    if finished is not None:
        return finished
    with seed_run(plan, study) as run:
        result = train_seed(plan, run.report_epoch)
        run.log_result(result)
    return result


@task(task_run_name="select-{study.label}", cache_policy=NO_CACHE, persist_result=False)
def select_label(round_: Round, study: Study) -> Selection:
    """Choose the label's seed, leave the record on the parent run, register the checkpoint."""
    results = [result for plan in study.plans if (result := read_result(plan)) is not None]
    baseline = tfidf_baseline(study.splits, round_.preprocessing)
    selection = select_seed(study.splits, round_.training.seeds, results, round_.training.metric, baseline)
    log_selection(study.run, selection)
    register_checkpoint(round_, study, selection)
    return selection


def register_checkpoint(round_: Round, study: Study, selection: Selection) -> None:
    """Register the winner under the round's alias, unless the alias already stands for it."""
    name, alias = round_.registered_model(study.label), round_.checkpoint_alias
    winner, metric = selection.winner, f"validation_{selection.metric}"
    current = find_version(name, alias)
    if current is not None and current.tags.get("config_hash") == winner.config_hash:
        return
    plan = next(plan for plan in study.plans if plan.seed == winner.seed)
    run_id = finished_seed_run(plan, study.run)
    if run_id is None:
        raise TrainingError(
            f"seed {winner.seed} of '{study.label}' has no finished MLflow run; run the training flow again"
        )
    tags = round_.tags(study.label) | {
        "kind": "checkpoint",
        "seed": str(winner.seed),
        "metric": metric,
        metric: repr(winner.metrics[metric]),
        "config_hash": winner.config_hash,
        "data_digest": study.splits.digest,
        "study_run_id": study.run.run_id,
    }
    registration = Registration(name, alias, verified_checkpoint(plan, winner), run_id, "checkpoint", tags)
    register_folder(registration, round_.work_path / "models")


def publish_seed_table(round_: Round, selections: list[Selection]) -> None:
    """Leave the seeds of all labels as a table in the Prefect UI, the winners marked."""
    create_table_artifact(
        key=artifact_key(round_.name, "seeds"),
        table=[row for selection in selections for row in selection.table()],
        description=f"Seeds of {round_.name}; the winners are registered as {round_.checkpoint_alias}",
    )
