"""What the MLflow runs of a study hold: a parent run a study, a child run for each of its trials and seeds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.runtime import flow_run

from tasks.core.base.code_version import code_version
from tasks.core.base.files import fingerprint
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming import (
    DATA_REPORT_FILE,
    PREDICTIONS_FILE,
    SEARCH_FILE,
    SEARCH_TABLE,
    SEEDS_TABLE,
    SELECTION_FILE,
    TEST_PREDICTIONS_FILE,
    results_table,
)
from tasks.core.corpus.labelled.label_report import LABEL_REPORT, read_label_report
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.round.model import Round
from tasks.core.training.base_models.hub_model import source_of
from tasks.core.training.search.halving import SearchOutcome
from tasks.core.training.search.trial import TrialResult, TrialStep
from tasks.core.training.seeds.comparison import Comparison
from tasks.core.training.seeds.pictures import draw_pictures
from tasks.core.training.seeds.seed_plan import UNDECISIVE, SeedPlan, SeedResult
from tasks.core.training.seeds.selection import Selection
from tasks.records.tracking import HASH_TAG, KIND_TAG, TrackedRun, ended_by_outcome, find_or_create_run, system_metrics

CURVE_PREFIX = "curve_"


def find_study(round_: Round, template: SeedPlan) -> TrackedRun:
    """Find or create the parent run of a study, and say that it goes on."""
    splits, search = template.splits, template.training.search
    study_hash = template.study_hash
    if search.strategy != "none":
        study_hash = fingerprint([study_hash, search.model_dump(mode="json")])
    identity = {KIND_TAG: "study", "study": splits.study, HASH_TAG: study_hash}
    run = find_or_create_run(round_.name, splits.study, identity, _study_tags(round_, template))
    run.restart()
    return run


def describe_data(run: TrackedRun, round_: Round, splits: LabelledSplits) -> None:
    """Leave the report of a study's data on its parent run, and name the data as its input."""
    run.log_json(DATA_REPORT_FILE, LABEL_REPORT.sign(read_label_report(Path(splits.report_path))))
    profile = {"rows": splits.rows, "positives": splits.positives, "left_out": splits.left_out}
    run.log_dataset(f"{round_.name}-{splits.study}", splits.digest, str(round_.labelled_data.path), profile)


@contextmanager
def failed_when_interrupted() -> Iterator[list[TrackedRun]]:
    """Yield a list for parent runs; those that still run when the block raises end as FAILED."""
    opened: list[TrackedRun] = []
    try:
        yield opened
    except BaseException:
        for run in opened:
            if run.status == "RUNNING":
                run.end("FAILED")
        raise


def finished_seed_run(plan: SeedPlan, parent: TrackedRun) -> TrackedRun | None:
    """Return the plan's finished child run, or None."""
    runs = parent.children(_identity("seed", plan), "FINISHED")
    return runs[0] if runs else None


@contextmanager
def seed_run(round_tags: dict[str, str], plan: SeedPlan, parent: TrackedRun) -> Iterator[TrackedRun]:
    """Open a child run for the plan's seed; it ends FINISHED, or FAILED when the block raises.

    Runs of the same seed that a killed worker left RUNNING are ended as KILLED.
    """
    for lost in parent.children(_identity("seed", plan), "RUNNING"):
        lost.end("KILLED")
    run = parent.create_child(f"{plan.study} seed {plan.seed}", round_tags | _child_tags("seed", plan))
    with ended_by_outcome(run), system_metrics(run):
        run.log_parameters(_parameters(plan))
        yield run


@contextmanager
def trial_run(round_tags: dict[str, str], step: TrialStep, parent: TrackedRun) -> Iterator[TrackedRun]:
    """Open the child run of a trial, the same one for all its rungs."""
    identity = _identity("trial", step.plan)
    known = [run for status in ("RUNNING", "FINISHED", "FAILED") for run in parent.children(identity, status)]
    run = known[0] if known else parent.create_child(step.name, round_tags | _child_tags("trial", step.plan))
    run.restart()
    with ended_by_outcome(run), system_metrics(run):
        run.log_parameters(_parameters(step.plan))
        yield run


def log_seed(run: TrackedRun, plan: SeedPlan, result: SeedResult) -> None:
    """Log the kept checkpoint's figures and its predictions."""
    run.log_figures(result.metrics)
    run.log_figures({f"threshold.{label}": value for label, value in result.thresholds.items()})
    for name in (PREDICTIONS_FILE, TEST_PREDICTIONS_FILE):
        run.log_file(plan.folder / name)
    run.set_tags({"winnow.seed_folder": str(plan.folder)})


def log_evaluation(run: TrackedRun, figures: dict[str, float]) -> None:
    """Log a point of the curves, at its optimiser step."""
    points = {name: value for name, value in figures.items() if name not in {"epoch", "step"}}
    run.log_figures(points, step=int(figures["step"]), prefix=CURVE_PREFIX)


def log_new_evaluation(run: TrackedRun, figures: dict[str, float]) -> None:
    """Log a point of the curves unless an earlier rung has."""
    if int(figures["step"]) not in run.steps_of(f"{CURVE_PREFIX}train_loss"):
        log_evaluation(run, figures)


def log_trial(run: TrackedRun, step: TrialStep, result: TrialResult) -> None:
    """Log a trial's figure at its rung; at the end, those of its best evaluation under the seeds' names for them."""
    run.log_figures({f"rung_{step.plan.training.metric}": result.value}, step=result.stop_at_step)
    if result.stop_at_step == step.steps:
        best = result.best_evaluation(step.plan.training.metric)
        run.log_figures({name: value for name, value in best.items() if name.startswith("validation_")})
    run.set_tags({_step_tag(result.stop_at_step): "logged"})


def is_logged(step: TrialStep, parent: TrackedRun) -> bool:
    """Say whether the trial's child run of this parent holds the step's figure and has ended well."""
    return bool(parent.children(_identity("trial", step.plan) | {_step_tag(step.stop_at_step): "logged"}, "FINISHED"))


def log_search(parent: TrackedRun, outcome: SearchOutcome, base_model: str) -> None:
    """Leave a search's table and conclusion on the parent run."""
    parent.log_json(SEARCH_FILE, vars(outcome))
    parent.log_text(SEARCH_TABLE, outcome.text(base_model))
    parent.set_tags(
        {
            "winnow.search_batch_size": str(outcome.batch_size),
            "winnow.search_learning_rate": repr(outcome.learning_rate),
        }
    )


def log_selection(parent: TrackedRun, selection: Selection, comparison: Comparison) -> None:
    """Leave the selection on the parent run: record, tables, pictures, the winner's figures."""
    parent.log_json(SELECTION_FILE, selection.record() | comparison.record())
    parent.log_text(SEEDS_TABLE, markdown_table(selection.table()))
    for label in comparison.tables:
        parent.log_text(results_table(label), markdown_table(comparison.rows([label])))
    for name, picture in draw_pictures(selection):
        parent.log_picture(f"pictures/{name}", picture)
    parent.log_figures(selection.winner.result.metrics)
    for model, figures in comparison.baselines.items():
        parent.log_figures(figures, prefix=f"{model}_")
    parent.set_tags(
        {
            "winnow.winning_seed": str(selection.winner.result.seed),
            "winnow.tied_seeds": ",".join(str(seed) for seed in selection.tied_seeds),
            "winnow.failed_seeds": ",".join(str(seed) for seed in selection.failed),
        }
    )


def _study_tags(round_: Round, template: SeedPlan) -> dict[str, str]:
    return round_.tags(template.study) | _provenance(template)


def _step_tag(step: int) -> str:
    return f"winnow.step_{step}"


def _identity(kind: str, plan: SeedPlan) -> dict[str, str]:
    return {KIND_TAG: kind, HASH_TAG: plan.config_hash}


def _child_tags(kind: str, plan: SeedPlan) -> dict[str, str]:
    return _identity(kind, plan) | _provenance(plan) | {"prefect.flow_run_id": flow_run.root_flow_run_id or ""}


def _provenance(plan: SeedPlan) -> dict[str, str]:
    return {"winnow.data_digest": plan.splits.digest} | code_version()


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
