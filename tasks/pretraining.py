"""Pretraining as Prefect tasks."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.errors import RoundFileError
from tasks.core.base.naming.artifact_names import PRETRAINING_ARTIFACT, artifact_key
from tasks.core.base.naming.round_names import BASE_MODEL_NAME
from tasks.core.base.naming.work_places import models_folder
from tasks.core.pretraining.pretraining_plan import (
    PretrainingPlan,
    PretrainingResult,
    make_plan,
    read_result,
    require_figure,
    verified_checkpoint,
)
from tasks.core.round.model import Round
from tasks.records.base_model_versions import KIND, fetch_base_model
from tasks.records.pretraining_runs import log_pretraining
from tasks.records.registry import RegisteredVersion, Registration, find_own_version, register_folder
from tasks.retrying import RETRIED
from tasks.seed_story import PaceStory
from tasks.story import say, warn


@task(task_run_name="plan-pretraining", cache_policy=NO_CACHE, persist_result=False)
def plan_pretraining(round_: Round) -> PretrainingPlan:
    """Fetch the base model if it is a registered one, and plan."""
    source = round_.pretraining.base_model if round_.pretraining else ""
    own = f"models:/{round_.base_model_registration}@{round_.checkpoint_alias}"
    if source == own:
        raise RoundFileError(
            f"pretraining.base_model is {own}, which this very round makes: each run would go on from the one before. "
            "Name an earlier round's, a folder or a hub id."
        )
    return make_plan(round_, fetch_base_model(source, round_.work_path) if source else source)


def find_base_model(round_: Round, plan: PretrainingPlan) -> RegisteredVersion | None:
    """Return the registered base model that this very plan gave, or None."""
    models = models_folder(round_.work_path)
    current = find_own_version(round_.base_model_registration, round_.checkpoint_alias, models)
    return current if current is not None and current.tags.get("config_hash") == plan.config_hash else None


@task(
    task_run_name="pretrain-{plan.config_hash}",
    **RETRIED,
)
def pretrain_base_model(plan: PretrainingPlan) -> PretrainingResult:
    """Train the base model in the plan's folder; what a killed worker left is continued."""
    from tasks.core.pretraining.pretrain import pretrain  # noqa: PLC0415 - torch only where it is used

    if read_result(plan) is None:
        say(f"base model: training in {plan.state_folder}")
    return pretrain(plan, PaceStory("base model").stepped)


@task(task_run_name="register-base-model", cache_policy=NO_CACHE, persist_result=False)
def register_base_model(round_: Round, plan: PretrainingPlan, result: PretrainingResult) -> RegisteredVersion:
    """Register the base model under the round's alias, its figures on an MLflow run."""
    folder = verified_checkpoint(plan, result)
    require_figure(result)
    if result.perplexity_after > result.perplexity_before:
        warn(
            f"perplexity on held-out texts rose from {result.perplexity_before} to {result.perplexity_after}; look "
            "before you use this base model"
        )
    run_id = log_pretraining(round_, plan, result)
    tags = round_.tags(BASE_MODEL_NAME) | {
        "kind": KIND,
        "config_hash": plan.config_hash,
        "data_digest": plan.data_digest,
        "source_base_model": plan.settings.base_model,
        "source_base_model_digest": plan.base_model_digest,
        "preprocessing": plan.preprocessing,
        "head": result.head,
        "texts": str(result.texts),
        "heldout_texts": str(result.heldout_texts),
        "perplexity_before": repr(result.perplexity_before),
        "perplexity_after": repr(result.perplexity_after),
    }
    name, alias = round_.base_model_registration, round_.checkpoint_alias
    registration = Registration(name, alias, folder, run_id, "base_model", tags)
    return register_folder(registration, models_folder(round_.work_path))


def publish_perplexity_table(round_: Round, version: RegisteredVersion) -> None:
    """Leave the base model's perplexities as a table in the Prefect UI."""
    shown = ("perplexity_after", "perplexity_before", "texts", "heldout_texts", "head", "source_base_model")
    found = {"model": f"{version.name} version {version.version}, as {round_.checkpoint_alias}"}
    found |= {name.replace("_", " "): version.tags[name] for name in shown}
    leave_table(
        artifact_key(round_.name, PRETRAINING_ARTIFACT),
        [{"of the base model": name, "is": value} for name, value in found.items()],
        f"Base model of {round_.name}: perplexity on held-out texts; a new head's perplexity before says nothing of "
        "the model beneath it",
    )
