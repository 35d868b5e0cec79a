"""What the parent run of a study holds; its seeds and trials are runs below it: see child_runs.py."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks.core.base.files import fingerprint
from tasks.core.base.markdown import markdown_table
from tasks.core.base.naming.composed_names import results_table, tracking_record
from tasks.core.base.naming.file_names import (
    DATA_REPORT_FILE,
    SEARCH_FILE,
    SEARCH_TABLE,
    SEEDS_TABLE,
    SELECTED_TAG,
    SELECTION_FILE,
)
from tasks.core.base.naming.work_places import trials_folder
from tasks.core.base.run_record import FINISHED, RunName, RunRecord, lost_files, read_run_record, waiting_records
from tasks.core.corpus.labelled.label_report import LABEL_REPORT, read_label_report
from tasks.core.corpus.labelled.prepare import LabelledSplits
from tasks.core.metrics.warning_words import marked
from tasks.core.round.model import Round
from tasks.core.training.search.halving import SearchOutcome
from tasks.core.training.seeds.comparison import Comparison
from tasks.core.training.seeds.pictures import draw_pictures
from tasks.core.training.seeds.seed_plan import SeedPlan
from tasks.core.training.seeds.selection import Selection
from tasks.core.training.seeds.selection_file import selection_record
from tasks.records.child_runs import finished_seed_run, next_step, provenance, record_path, seed_name
from tasks.records.experiment_note import describe_experiment
from tasks.records.live_runs import LiveRun, open_live
from tasks.records.notes import code, note
from tasks.records.seeds_page import keep_seeds_page, seeds_address
from tasks.records.telling import open_parent, tell
from tasks.records.tracked_run import HASH_TAG, KIND_TAG, TrackedRun


def name_study(round_: Round, template: SeedPlan) -> RunName:
    """Return how the parent run of a study is found, and what a new one says."""
    splits, search = template.splits, template.training.search
    study_hash = template.study_hash
    if search.strategy != "none":
        study_hash = fingerprint([study_hash, search.model_dump(mode="json")])
    identity = {KIND_TAG: "study", "study": splits.study, HASH_TAG: study_hash}
    return RunName(round_.name, splits.study, identity, round_.tags(template.study) | provenance(template))


def open_study(name: RunName, folder: Path) -> LiveRun:
    """Find or create the parent run of a study; without an answer, the work goes on, too.

    `folder` is that of the study's seeds. A run that has ended stays so, until `reopen` says that it goes on.
    """
    path = tracking_record(folder, f"study-{name.identity[HASH_TAG]}")

    def find() -> TrackedRun:
        run = open_parent(name)
        path.unlink(missing_ok=True)  # how an earlier try ended
        return run

    return LiveRun(name, None, open_live(find), path, next_step(name))


def end_study(study: LiveRun, run: TrackedRun) -> None:
    """End a study's run well, unless it has ended so; how earlier tries ended is no news any more."""
    if run.status != FINISHED:
        run.end(FINISHED)
    study.path.unlink(missing_ok=True)


def tell_children(name: RunName, plans: list[SeedPlan]) -> None:
    """Tell what waits of a study's seeds, and of the trials beside them."""
    trials = trials_folder(Path(plans[0].root)).glob(tracking_record(Path(), "*").name)
    own = [path for plan in plans if _is_whole(path := record_path(plan))]
    waiting, faults = waiting_records(trials)
    for fault in faults:
        raise fault
    for path in [*own, *(path for path, record in waiting if _is_child(record, name))]:
        tell(path)


def _is_whole(path: Path) -> bool:
    """Say whether a record is there with its result: that of a seed whose files somebody removed tells nothing."""
    record = read_run_record(path)
    return record is not None and not lost_files(path, record)


def _is_child(record: RunRecord, of: RunName) -> bool:
    return record.parent is not None and record.parent.identity == of.identity


def describe_data(run: TrackedRun, round_: Round, splits: LabelledSplits) -> None:
    """Leave the report of a study's data on its parent run, and name the data as its input."""
    run.log_parameters(study_parameters(round_, splits))
    run.log_json(DATA_REPORT_FILE, LABEL_REPORT.sign(read_label_report(Path(splits.report_path))))
    profile = {"rows": splits.rows, "positives": splits.positives, "left_out": splits.left_out}
    run.log_dataset(f"{round_.name}-{splits.study}", splits.digest, str(round_.labelled_data.path), profile)
    keep_seeds_page(run, splits.study, round_.training.metric)
    describe_experiment(round_, run.experiment)


def study_parameters(round_: Round, splits: LabelledSplits) -> dict[str, object]:
    """Return what a study's seeds have in common; a search may give the seeds another batch size and learning rate."""
    about = {"base_model": round_.base_model, "labels": ", ".join(splits.labels), "head": splits.head}
    rows = {f"{split}_rows": count for split, count in splits.rows.items()}
    return about | {"preprocessing": round_.preprocessing} | rows | round_.training.model_dump(mode="json")


def describe_study(run: TrackedRun, round_: Round, selection: Selection, warnings: Sequence[str]) -> None:
    """Say on a study's parent run which seed was selected, how good it is, and what is done next."""
    aside = "".join(f"\n- **Warning:** {warning}" for warning in warnings)
    run.describe(selection_note(round_, selection, seeds_address(run.experiment, selection.winner.plan.study)) + aside)


def selection_note(round_: Round, selection: Selection, seeds: str) -> str:
    """Return what the pages of a study and of its registered checkpoint say; `seeds` shows the seeds side by side."""
    winner, metric = selection.winner, selection.metric
    test = winner.result.metrics.get(f"test_{metric}")
    tied = [str(seed) for seed in selection.tied_seeds if seed != winner.result.seed]
    failed = [f"{seed} ({reason})" for seed, reason in selection.failed.items()]
    return note(
        f"**{winner.plan.study}** in {round_.name}: seed {winner.result.seed} of {len(selection.candidates)} is "
        f"selected by validation {metric.replace('_', ' ')}.",
        {
            "Validation": f"{winner.value:.4f} (95 %: {winner.validation})",
            "Test": "" if test is None else f"{test:.4f}",
            "Tied with it": ", ".join(tied),
            "Failed": ", ".join(failed),
            "Seeds": f"[side by side]({seeds})",
            "Alias": code(round_.checkpoint_alias),
            "Next": code(f"winnow run conversion {round_.name}"),
            "Folder": code(winner.plan.folder),
        },
    )


@contextmanager
def failed_when_interrupted() -> Iterator[list[LiveRun]]:
    """Yield a list for parent runs; those that still run when the block raises end as FAILED."""
    opened: list[LiveRun] = []
    try:
        yield opened
    except BaseException:
        for run in opened:
            run.fail()
        raise


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


def log_selection(parent: TrackedRun, selection: Selection, comparison: Comparison, warnings: Sequence[str]) -> None:
    """Leave the selection on the parent run: record, tables below their warnings, pictures, the winner's figures."""
    parent.log_json(SELECTION_FILE, selection_record(selection, comparison, warnings))
    parent.log_text(SEEDS_TABLE, marked(warnings) + markdown_table(selection.table()))
    for label in comparison.tables:
        parent.log_text(results_table(label), marked(warnings) + markdown_table(comparison.rows([label])))
    for name, picture in draw_pictures(selection):
        parent.log_picture(f"pictures/{name}", picture)
    parent.log_figures(selection.winner.result.metrics)
    for model, figures in comparison.baselines.items():
        parent.log_figures(figures, prefix=f"baseline/{model}/")
    _mark_selected(parent, selection)
    parent.set_tags(
        {
            "winnow.winning_seed": str(selection.winner.result.seed),
        }
    )


def _mark_selected(parent: TrackedRun, selection: Selection) -> None:
    """Say on each seed's run whether it was selected, so that pages can be grouped by it, and in its name."""
    for candidate in selection.candidates:
        run = finished_seed_run(candidate.plan, parent)
        if run is not None:
            own = "yes" if candidate is selection.winner else "tied" if candidate.tied else "no"
            run.set_tags({SELECTED_TAG: own})
            run.rename(seed_name(candidate.plan) + {"yes": ", selected", "tied": ", tied", "no": ""}[own])
