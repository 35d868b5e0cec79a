"""Labelled data -> seeds on Dask -> the best of each label, registered under the round's alias."""

from prefect import flow

from flows.names import round_and_flow
from infra.cluster import read_profile, task_runner
from infra.fan_out import run_all
from tasks.core.round import Round
from tasks.core.round_file import read_round
from tasks.core.training.seed_plan import SeedPlan
from tasks.tracking import StudyRun, failed_when_interrupted
from tasks.training import Study, prepare_study, publish_seed_table, select_label, train_one_seed, unfinished_seeds


@flow(name="training", flow_run_name=round_and_flow, persist_result=False)
def training(round_file: str, cluster: str | None = None) -> None:
    """Train every seed of every label, choose the best, register it.

    Args:
        round_file: Path of the round's YAML.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    round_.require_own_models()
    studies = [prepare_study(round_, label, column) for label, column in round_.active_labels.items()]
    with failed_when_interrupted([study.run for study in studies]):
        train_unfinished(round_, studies, cluster or round_.clusters.training)
        selections = [select_label(round_, study) for study in studies]
    publish_seed_table(round_, selections)


def train_unfinished(round_: Round, studies: list[Study], cluster: str) -> None:
    """Train what is not trained yet, on the cluster."""
    unfinished = unfinished_seeds(studies)
    if unfinished:
        profile = read_profile(cluster)
        train_seeds.with_options(task_runner=task_runner(profile), flow_run_name=f"{round_.name} seeds")(
            unfinished, profile.lost_worker_attempts
        )


@flow(name="train-seeds", validate_parameters=False, persist_result=False)
def train_seeds(unfinished: list[tuple[SeedPlan, StudyRun]], attempts: int) -> None:
    """Train the seeds side by side."""
    by_name = {f"{plan.label} seed {plan.seed}": (plan, study) for plan, study in unfinished}
    run_all(lambda name: train_one_seed.submit(*by_name[name]), by_name, attempts)
