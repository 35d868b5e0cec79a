"""Checkpoint -> engine variants compared on real texts -> the fastest that keeps the ranking, registered."""

from flows.names import place_of
from flows.round_flow import below, round_flow, side_by_side
from infra.cluster import task_runner
from infra.clusters.profiles import read_profile
from infra.dask_workers.task_endings import Settled
from infra.fan_out import settle_all
from tasks.conversion import (
    ConversionPlan,
    convert_checkpoint,
    find_engines,
    plan_conversions,
    publish_parity,
    record_engines,
    register_engine,
)
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.distillation import prepare_students
from tasks.lineage import trace_engines
from tasks.links import begin_links
from tasks.progress import Count
from tasks.training import prepare_data


@round_flow("conversion")
def conversion(round_file: str, remake: bool = False, cluster: str | None = None, students: bool = False) -> None:
    """Convert every label's selected checkpoint; one already converted this way is left alone.

    Args:
        round_file: Path of the round's YAML; its deployment gives it.
        remake: Convert again what is converted already, for example on another kind of machine.
        cluster: Cluster profile to use instead of the round's.
        students: Convert the round's students instead, each through the same gate against itself.
    """
    round_ = read_round(round_file)
    begin_links(round_)
    round_.require_own_models()
    splits = [prepare_data(round_, name, labels) for name, labels in round_.studies.items()]
    splits = prepare_students(round_, splits) if students else splits
    plans = [plan for study in splits for plan in plan_conversions(round_, study, students)]
    found = {} if remake else {label: engine for plan in plans for label, engine in find_engines(round_, plan).items()}
    missing = [plan for plan in plans if not set(plan.checkpoints) <= set(found)]
    failures: list[BaseException] = []
    if missing:
        profile = read_profile(cluster or round_.clusters.conversion)
        runner = task_runner(profile, place_of(round_, "conversion"))
        convert = below("engines", convert_all, runner, round_)
        converted = convert(round_, missing, remake, profile.lost_worker_attempts)
        for number, engines in converted.results.items():
            record_engines(round_, missing[number], list(engines.values()))
        for number, engines in converted.results.items():
            new = {label: engine for label, engine in engines.items() if label not in found}
            found |= {label: register_engine(round_, missing[number], engine) for label, engine in new.items()}
        failures += converted.failures.values()
    publish_parity(round_, plans, found)
    trace_engines(round_, found, students)
    for failure in failures:
        raise failure


@side_by_side("convert-checkpoints")
def convert_all(round_: Round, plans: list[ConversionPlan], remake: bool, attempts: int) -> Settled[int]:
    """Convert the checkpoints side by side; one that fails does not keep the others from being registered."""
    bar = Count(round_, "conversion", "checkpoints are converted", len(plans))
    numbers = range(len(plans))
    return settle_all(lambda number: convert_checkpoint.submit(plans[number], remake), numbers, attempts, bar.update)
