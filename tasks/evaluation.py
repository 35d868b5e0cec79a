"""Evaluation as Prefect tasks: the rank sample drawn and asked, each label judged, champions made, all published."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.artifacts import leave_table
from tasks.core.base.errors import ModelFolderError
from tasks.core.base.naming.artifact_names import (
    CURVE_ARTIFACT,
    EVALUATION_ARTIFACT,
    FIGURES_ARTIFACT,
    GATE_ARTIFACT,
    artifact_key,
    run_artifact_key,
)
from tasks.core.base.naming.file_names import CALIBRATION_FILE, EVALUATION_FILE
from tasks.core.base.naming.work_places import evaluation_folder, models_folder
from tasks.core.evaluation.calibration.calibrate import write_calibration
from tasks.core.evaluation.evaluate_label import Evaluated, Judged, Reasons, evaluate_label
from tasks.core.evaluation.evaluation_record import EvaluationRecord, write_evaluation
from tasks.core.evaluation.pool_answers import batches_of_pool, read_answers
from tasks.core.evaluation.pool_measures import LabelCheckpoints, measure_pool
from tasks.core.evaluation.pool_run import PoolRun, find_pool_run
from tasks.core.evaluation.rank_sample import MoreTexts, RankSample, draw_rank_sample, unasked, write_rank_sample
from tasks.core.evaluation.run_labels import gather_labels, with_known
from tasks.core.evaluation.verdict_tables import check_rows, curve_rows, figure_rows, verdict_rows
from tasks.core.exchange.batch import Batch
from tasks.core.ranking.ranked import open_ranked
from tasks.core.round.model import Round
from tasks.core.training.seeds.seed_plan import verify_checkpoint
from tasks.records.evaluation_runs import find_champion, log_evaluation, publish_version, tell_selection
from tasks.records.registry import fetch_folder, find_version
from tasks.records.rivals import find_rivals
from tasks.story import say, warn


def find_run(round_: Round, sample: str, run_name: str, run_id: str | None) -> PoolRun:
    """Return the finished run that is judged, and say which it is.

    Raises:
        RunFolderError: there is none.
    """
    run = find_pool_run(round_, sample, run_name, run_id)
    say(f"the ranking of run {run.plan.run_id} is judged: {run.folder.path}")
    return run


@task(task_run_name="draw-{label}", cache_policy=NO_CACHE, persist_result=False)
def draw_label(round_: Round, run: PoolRun, label: str, more: MoreTexts | None) -> RankSample:
    """Draw a label's rank sample."""
    with open_ranked(run.folder, label, "all") as ranked:
        return draw_rank_sample(ranked, round_.evaluation, run.plan.run_id, more)


@task(task_run_name="ask", cache_policy=NO_CACHE, persist_result=False)
def ask(round_: Round, run: PoolRun, drawn: list[RankSample]) -> Batch | None:
    """Write a batch of the drawn texts that nobody was asked of, and return it; None where there are none."""
    batches = batches_of_pool(round_, run)
    unasked_of = {one.label: unasked(one, read_answers(batches, one.label)) for one in drawn}
    fresh = {label: rows for label, rows in unasked_of.items() if len(rows)}
    if not fresh:
        return None
    batch = write_rank_sample(round_, run, fresh, {one.label: one.rows for one in drawn})
    say(f"{len(batch.texts)} texts are to be labelled: {batch.folder}")
    return batch


@task(task_run_name="judge-{drawn.label}", cache_policy=NO_CACHE, persist_result=False)
def judge_label(round_: Round, run: PoolRun, drawn: RankSample, reasons: Reasons) -> EvaluationRecord | None:
    """Judge a label's ranking, record it, and make its version champion where the gate says so.

    None where the rank sample has no answer yet.
    """
    batches = batches_of_pool(round_, run)
    answers = read_answers(batches, drawn.label)
    if not drawn.answered(answers):
        return None
    champion = find_champion(run.use_of(drawn.label).registered_model)
    checkpoints = _checkpoints(round_, drawn.label)
    with open_ranked(run.folder, drawn.label, "all") as ranked:
        labels = gather_labels(round_, run, ranked, drawn.strata, answers)
        before = read_answers(batches, drawn.label, before=run.plan.run_id)
        ranks = (*round_.evaluation.precision_at, *round_.evaluation.gate.precision_at)
        labels = with_known(labels, ranked, round_.samples[run.plan.sample_name], before, max(ranks))
        measures = measure_pool(round_, run, ranked, drawn, answers, checkpoints)
        found = evaluate_label(round_, Judged(run, ranked, drawn.strata, labels, measures), champion, reasons)
    return _record(round_, found)


def _checkpoints(round_: Round, label: str) -> LabelCheckpoints | None:
    """Return the selected seed's checkpoint and those tied with it, where the round needs any and they are at hand."""
    settings = round_.evaluation
    needs = settings.compare_tied_seeds or (settings.diversity.texts and settings.diversity.by == "checkpoint")
    selected = find_version(round_.registered_model(label), round_.checkpoint_alias) if needs else None
    if selected is None:
        return None
    winner = int(selected.tags["seed"])
    folders = {winner: fetch_folder(selected, models_folder(round_.work_path))}
    for rival in find_rivals(round_, selected) if settings.compare_tied_seeds else ():
        if rival.tied:
            try:
                verify_checkpoint(Path(rival.checkpoint), rival.sha256)
                folders[rival.seed] = Path(rival.checkpoint)
            except ModelFolderError as fault:
                warn(f"seed {rival.seed} is not compared on the pool: {fault}")
    return LabelCheckpoints(winner, folders)


def _record(round_: Round, found: Evaluated) -> EvaluationRecord:
    record = found.record
    folder = evaluation_folder(round_.work_path, round_.country, round_.name, record.label, record.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    if found.calibration is None:
        (folder / CALIBRATION_FILE).unlink(missing_ok=True)
    else:
        write_calibration(folder / CALIBRATION_FILE, found.calibration)
    write_evaluation(folder / EVALUATION_FILE, record)
    mlflow_run = log_evaluation(round_, record, folder)
    if record.decision != "borrowed":
        publish_version(record, mlflow_run, found.promotes)
        tell_selection(round_, record)
    tell = say if found.promotes or record.decision == "stands" else warn
    tell(f"{record.label}: {record.decision}. {record.sentence}")
    return record


def publish_evaluation(round_: Round, run: PoolRun, records: list[EvaluationRecord]) -> None:
    """Leave verdicts, the gate's figures, estimates and the precision by rank as tables in the Prefect UI."""
    key = run_artifact_key(round_.name, run.folder.path.name, run.plan.inputs.limit, "")
    tables = {
        EVALUATION_ARTIFACT: (verdict_rows(records), "Verdicts"),
        GATE_ARTIFACT: (check_rows(records), "What the gate looked at, beside the champion"),
        FIGURES_ARTIFACT: (figure_rows(records), "Estimates"),
    }
    for what, (rows, said) in tables.items():
        if rows:
            leave_table(artifact_key(key, what), rows, f"{said}: {round_.name}, run {run.plan.run_id}")
    for record in records:
        if record.curve:
            about = f"Precision of {record.label} by rank; each band is of 95 % by itself"
            leave_table(artifact_key(key, record.label, CURVE_ARTIFACT), curve_rows(record), about)
