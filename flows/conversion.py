"""Checkpoint -> engine variants compared on the sample -> the engine model, registered under its alias."""

from prefect import flow

from flows.names import round_and_flow
from infra.cluster import read_profile, task_runner
from infra.fan_out import run_all
from tasks.conversion import (
    ConversionPlan,
    convert_label,
    find_engine,
    plan_conversion,
    publish_parity_table,
    register_engine,
)
from tasks.core.inference.model_folder import EngineModel
from tasks.core.round_file import read_round


@flow(name="conversion", flow_run_name=round_and_flow, persist_result=False)
def conversion(round_file: str, cluster: str | None = None) -> None:
    """Convert every label's selected checkpoint; a checkpoint already converted this way is left alone.

    Args:
        round_file: Path of the round's YAML.
        cluster: Cluster profile to use instead of the round's.
    """
    round_ = read_round(round_file)
    round_.require_own_models()
    plans = {label: plan_conversion(round_, label) for label in round_.active_labels}
    found = {label: find_engine(round_, plan) for label, plan in plans.items()}
    registered = {label: version for label, version in found.items() if version is not None}
    missing = [plan for label, plan in plans.items() if label not in registered]
    if missing:
        profile = read_profile(cluster or round_.clusters.conversion)
        convert = convert_labels.with_options(task_runner=task_runner(profile), flow_run_name=f"{round_.name} engines")
        for label, engine in convert(missing, profile.lost_worker_attempts).items():
            registered[label] = register_engine(round_, plans[label], engine)
    publish_parity_table(round_, registered)


@flow(name="convert-labels", validate_parameters=False, persist_result=False)
def convert_labels(plans: list[ConversionPlan], attempts: int) -> dict[str, EngineModel]:
    """Convert the labels side by side."""
    by_label = {plan.label: plan for plan in plans}
    return run_all(lambda label: convert_label.submit(by_label[label]), by_label, attempts)
