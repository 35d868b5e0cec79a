"""A sample's texts -> masked-language-model training of a checkpoint -> the country's base model, registered."""

from pathlib import Path

from flows.names import place_of
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import AnyProfile, LocalProfile, SlurmProfile, read_profile
from infra.fan_out import run_all
from tasks.core.pretraining.pretraining_plan import PretrainingPlan, PretrainingResult
from tasks.core.round.round_file import read_round
from tasks.lineage import trace_base_model
from tasks.links import add_link, begin_links
from tasks.pretraining import (
    find_base_model,
    plan_pretraining,
    pretrain_base_model,
    publish_perplexity_table,
    register_base_model,
)


@round_flow("pretraining")
def pretraining(round_file: str, cluster: str | None = None) -> None:
    """Continue a checkpoint's training on the country's texts; a base model made this way already is left alone.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    round_.require_own_models()
    plan = plan_pretraining(round_)
    add_link("model folder", Path(plan.folder))
    version = find_base_model(round_, plan)
    if version is None:
        profile = read_profile(cluster or round_.clusters.pretraining)
        runner = task_runner(_with_one_worker(profile), place_of(round_, "pretraining"))
        train = below("base model", pretrain_on_cluster, runner, round_)
        version = register_base_model(round_, plan, train(plan, profile.lost_worker_attempts))
    publish_perplexity_table(round_, version)
    trace_base_model(round_, version)


@side_by_side("pretrain-on-cluster")
def pretrain_on_cluster(plan: PretrainingPlan, attempts: int) -> PretrainingResult:
    """Train on one worker; when that dies, another goes on from the last checkpoint."""
    result: PretrainingResult = run_all(lambda _: pretrain_base_model.submit(plan), ["base model"], attempts)[
        "base model"
    ]
    return result


def _with_one_worker(profile: AnyProfile) -> AnyProfile:
    """There is one Prefect task: on this machine, one worker gets every core."""
    counted = isinstance(profile, LocalProfile | SlurmProfile)
    return profile.model_copy(update={"workers": 1}) if counted else profile
