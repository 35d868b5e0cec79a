"""The runs of a study's seeds and trials, below its parent run: live while the server answers, recorded always."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.naming.composed_names import tracking_record
from tasks.core.base.naming.file_names import PREDICTIONS_FILE, TEST_PREDICTIONS_FILE
from tasks.core.base.run_record import FINISHED, Figure, RunName, RunRecord, read_run_record
from tasks.core.training.base_models.hub_model import source_of
from tasks.core.training.search.trial import TrialResult, TrialStep
from tasks.core.training.seeds.seed_plan import UNDECISIVE, SeedPlan, SeedResult
from tasks.core.training.trainer.steps import Report
from tasks.records.live_runs import LiveRun, is_same, live, milliseconds, open_live
from tasks.records.notes import code, note
from tasks.records.telling import tell_failed
from tasks.records.tracked_run import HASH_TAG, KIND_TAG, TrackedRun

CURVE_PREFIX = "curve_"
STEP_TAG = "winnow.step_"
"""A trial's run has such a tag for each rung that was told."""


def finished_seed_run(plan: SeedPlan, parent: TrackedRun) -> TrackedRun | None:
    """Return the plan's finished child run, or None."""
    runs = parent.children(_identity("seed", plan), FINISHED)
    return runs[0] if runs else None


def record_path(plan: SeedPlan) -> Path:
    """Return where it stands what the server is to hear of a seed or a trial."""
    return tracking_record(plan.folder.parent, plan.folder.name)


def is_recorded(plan: SeedPlan, parent: RunName, result: SeedResult) -> bool:
    """Say whether the record of a finished seed is there, told or not."""
    stored = read_run_record(record_path(plan))
    return stored is not None and is_same(stored, _seed_record(_nowhere(plan, parent), plan, result))


def _nowhere(plan: SeedPlan, parent: RunName) -> LiveRun:
    return LiveRun(_seed_name({}, plan, parent), parent, None, record_path(plan), next_step(parent))


@contextmanager
def seed_run(tags: dict[str, str], plan: SeedPlan, parent: RunName, of: TrackedRun | None) -> Iterator[LiveRun]:
    """Open the run of a plan's seed, a child of the server's run `of` its parent where that is known and answers.

    It ends FAILED when the block raises; `log_seed` ends it well. Runs of the same seed that a killed worker left
    RUNNING are ended as KILLED.
    """
    name = _seed_name(tags, plan, parent)
    run = None if of is None else open_live(lambda: _open_seed(name, plan, of))
    with live(LiveRun(name, parent, run, record_path(plan), next_step(parent))) as opened:
        yield opened


def _open_seed(name: RunName, plan: SeedPlan, parent: TrackedRun) -> TrackedRun:
    tell_failed(record_path(plan))
    for lost in parent.children(name.identity, "RUNNING"):
        lost.end("KILLED")
    run = parent.create_child(name.name, name.identity | name.tags)
    run.log_parameters(_parameters(plan))
    return run


@contextmanager
def trial_run(tags: dict[str, str], step: TrialStep, parent: RunName, of: TrackedRun | None) -> Iterator[LiveRun]:
    """Open the child run of a trial, the same one for all its rungs; `log_trial` ends it well."""
    own = tags | _child_tags(step.plan)
    name = RunName(parent.experiment, step.name, _identity("trial", step.plan), own)
    run = None if of is None else open_live(lambda: _open_trial(name, step.plan, of))
    with live(LiveRun(name, parent, run, record_path(step.plan), next_step(parent))) as opened:
        yield opened


def _open_trial(name: RunName, plan: SeedPlan, parent: TrackedRun) -> TrackedRun:
    tell_failed(record_path(plan))
    known = [run for status in ("RUNNING", "FINISHED", "FAILED") for run in parent.children(name.identity, status)]
    run = known[0] if known else parent.create_child(name.name, name.identity | name.tags)
    run.restart()
    run.log_parameters(_parameters(plan))
    return run


def curves_of(run: LiveRun) -> Report:
    """Return what tells the server of each evaluation, if it answers."""

    def report(_: int, figures: dict[str, float]) -> None:
        run.hear(lambda known: _log_evaluation(known, figures))

    return report


def _log_evaluation(run: TrackedRun, figures: dict[str, float]) -> None:
    """Log a point of the curves, at its optimiser step, unless the run has it."""
    if int(figures["step"]) not in run.steps_of(f"{CURVE_PREFIX}train_loss"):
        points = {name: value for name, value in figures.items() if name not in {"epoch", "step"}}
        run.log_figures(points, step=int(figures["step"]), prefix=CURVE_PREFIX)


def log_seed(run: LiveRun, plan: SeedPlan, result: SeedResult, core_seconds: float | None) -> None:
    """Keep the record of a finished seed: its curves, the kept checkpoint's figures, its predictions; then tell it.

    `core_seconds` is what its training took, None where that is not known.
    """
    run.keep(replace(_seed_record(run, plan, result), core_seconds=core_seconds, note=_seed_note(plan, result)))


def _seed_note(plan: SeedPlan, result: SeedResult) -> str:
    metric = plan.training.metric
    found = {split: result.metrics[f"{split}_{metric}"] for split in ("validation", "test")}
    said = ", ".join(f"{split} {metric.replace('_', ' ')} {value:.4f}" for split, value in found.items())
    return note(f"Seed {plan.seed} of **{plan.study}**: {said}.", {"Folder": code(plan.folder)})


def _seed_record(run: LiveRun, plan: SeedPlan, result: SeedResult) -> RunRecord:
    found = milliseconds()
    thresholds = {f"threshold.{label}": value for label, value in result.thresholds.items()}
    return replace(
        run.record(FINISHED),
        parameters={name: str(value) for name, value in _parameters(plan).items()},
        figures=(*_curves(result.evaluations, found), *_figures(result.metrics | thresholds, 0, found)),
        files=tuple(f"{plan.folder.name}/{name}" for name in (PREDICTIONS_FILE, TEST_PREDICTIONS_FILE)),
    )


def log_trial(run: LiveRun, step: TrialStep, result: TrialResult) -> None:
    """Keep a trial's record: its figure at its rung, and at the end those of its best evaluation; then tell it."""
    stored, found = read_run_record(run.path), milliseconds()
    earlier = None if stored is None or stored.run.identity != run.name.identity else stored
    figures = [(f"rung_{step.plan.training.metric}", float(result.value), result.stop_at_step, found)]
    figures += _curves(result.evaluations, found)
    if result.stop_at_step == step.steps:
        best = result.best_evaluation(step.plan.training.metric)
        figures += _figures({name: value for name, value in best.items() if name.startswith("validation_")}, 0, found)
    record = replace(
        run.record(FINISHED),
        run=replace(run.name, tags=run.name.tags | _steps(earlier) | {_step_tag(result.stop_at_step): "logged"}),
        parameters={name: str(value) for name, value in _parameters(step.plan).items()},
        figures=_joined(() if earlier is None else earlier.figures, figures),
    )
    known = None if earlier is None else earlier.told or earlier.opened
    run.keep(replace(record, opened=record.opened or known))


def is_logged(step: TrialStep, parent: RunName) -> bool:
    """Say whether the step's figure is in the record of the trial, told or not, as a child of this parent."""
    stored = read_run_record(record_path(step.plan))
    return (
        stored is not None
        and stored.status == FINISHED
        and stored.parent is not None
        and stored.parent.identity == parent.identity
        and _step_tag(step.stop_at_step) in stored.run.tags
    )


def next_step(parent: RunName) -> str:
    """Return what finishes a study once the server has heard of its runs."""
    return f"prefect deployment run training/{parent.experiment}"


def seed_name(plan: SeedPlan) -> str:
    """Return what a seed's run is called before it is known whether it is selected."""
    return f"{plan.study} seed {plan.seed}"


def provenance(plan: SeedPlan) -> dict[str, str]:
    """Return what a run says of the data and the code that it came from."""
    return {"winnow.data_digest": plan.splits.digest} | code_version()


def _steps(record: RunRecord | None) -> dict[str, str]:
    tags = {} if record is None else record.run.tags
    return {name: value for name, value in tags.items() if name.startswith(STEP_TAG)}


def _joined(earlier: tuple[Figure, ...], figures: list[Figure]) -> tuple[Figure, ...]:
    known = {(name, step) for name, _, step, _ in earlier}
    return (*earlier, *(figure for figure in figures if (figure[0], figure[2]) not in known))


def _curves(evaluations: list[dict[str, float]], found: int) -> list[Figure]:
    return [
        (f"{CURVE_PREFIX}{name}", float(value), int(entry["step"]), found)
        for entry in evaluations
        for name, value in entry.items()
        if name not in {"epoch", "step"}
    ]


def _figures(figures: dict[str, float], step: int, found: int) -> list[Figure]:
    return [(name, float(value), step, found) for name, value in figures.items()]


def _step_tag(step: int) -> str:
    return f"{STEP_TAG}{step}"


def _seed_name(tags: dict[str, str], plan: SeedPlan, parent: RunName) -> RunName:
    own = tags | _child_tags(plan)
    return RunName(parent.experiment, seed_name(plan), _identity("seed", plan), own)


def _identity(kind: str, plan: SeedPlan) -> dict[str, str]:
    return {KIND_TAG: kind, HASH_TAG: plan.config_hash}


def _child_tags(plan: SeedPlan) -> dict[str, str]:
    return provenance(plan) | {"prefect.flow_run_id": flow_run.root_flow_run_id or ""}


def _parameters(plan: SeedPlan) -> dict[str, object]:
    splits = plan.splits
    settings = plan.training.model_dump(mode="json", exclude=UNDECISIVE)
    parameters = {"study": plan.study, "seed": plan.seed, "base_model": source_of(plan.base_model)} | settings
    parameters |= {"preprocessing": plan.preprocessing}
    parameters |= {f"{split}_rows": rows for split, rows in splits.rows.items()}
    for label, positives in splits.positives.items():
        name = f".{label}" if len(splits.labels) > 1 else ""
        parameters |= {f"{split}_positives{name}": rows for split, rows in positives.items()}
    return parameters
