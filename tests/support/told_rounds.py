"""A round as its flows leave it in files: data, seeds, engine models and a screened run, without any server."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.naming.file_names import CALIBRATION_FILE, EVALUATION_FILE
from tasks.core.base.naming.run_names import run_folder_name
from tasks.core.base.naming.work_places import engines_folder, evaluation_folder, selection_path, splits_folder
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.engines.model_folder import EngineModel
from tasks.core.evaluation.calibration.calibrate import write_calibration
from tasks.core.evaluation.evaluate_label import Judged, evaluate_label
from tasks.core.evaluation.evaluation_record import Champion, EvaluationRecord, write_evaluation
from tasks.core.evaluation.pool_answers import batches_of_pool, read_answers
from tasks.core.evaluation.pool_measures import PoolMeasures
from tasks.core.evaluation.pool_run import PoolRun, find_pool_run
from tasks.core.evaluation.rank_sample import draw_rank_sample, unasked, write_rank_sample
from tasks.core.evaluation.run_labels import gather_labels
from tasks.core.exchange.batch import Batch, BatchAbout, place_of, write_batch
from tasks.core.exchange.incoming.import_answers import ImportWay
from tasks.core.exchange.settle import import_and_settle, settle
from tasks.core.ranking.ranked import open_ranked
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.selection import select_seed
from tasks.core.training.seeds.selection_file import write_selection
from tasks.core.training.seeds.study_warnings import selection_warnings
from tests.support.finished_seeds import finish
from tests.support.plans import plan_of
from tests.support.round_files import write_round
from tests.support.screened_runs import EASY, screen
from tests.support.screened_runs import score as finish_run

NOISE = (0.5, 0.45, 0.9)
HOSTILE = (
    "<script>window.taken = true</script>",
    '"><img src="https://example.org/x.png" onerror="window.taken = true">',
    "</style></main><h1>not the page's own</h1>",
    "{{ 7 * 7 }} {% raw %} ${7 * 7} &lt;b&gt;",
    "פיטרו אותי היום 😭 good, מחר אחפש עבודה",
    "\u202eright to left without an end good",
    "👩🏽‍🔧👨‍👩‍👧‍👦 good 🇧🇷🏳️‍🌈",
    "Perdí mi trabajo ayer ¿y ahora qué?",
    "w" * 400,
    "bell \x07 and escape \x1b[31m good",
)
"""Texts as users write them, some of them to break a page."""


def make_round(folder: Path, base_model: Path, texts: Sequence[str], screening: bool = True) -> Round:
    """Write a round's file and data below a folder, and read it; its sample has these texts."""
    asked = {"screening": EASY} if screening else {}
    path = write_round(
        folder,
        base_model,
        training={"seeds": [1, 2, 3], "epochs": 1, "max_length_tokens": 32, "bootstrap_resamples": 100},
        inference={"output_path": str(folder / "runs"), "shard_rows": 800, "batch_tokens": 512} | asked,
    )
    shutil.rmtree(folder / "sample")
    (folder / "sample").mkdir()
    table = pa.table({"tweet_id": [f"id-{number}" for number in range(len(texts))], "text": list(texts)})
    pq.write_table(table, folder / "sample" / "a.parquet", row_group_size=400)
    return read_round(path)


def prepare_and_select(round_: Round) -> None:
    """Leave every study's splits, finished seeds and selection."""
    training = round_.training
    for study, labels in round_.studies.items():
        request = StudyRequest(study, labels, training.head, training.metric, round_.preprocessing)
        splits = prepare_splits(round_.labelled_data, request, splits_folder(round_.work_path) / round_.name)
        plans = plan_seeds(round_, splits, round_.base_model)
        for plan, noise in zip(plans, NOISE, strict=True):
            finish(plan, noise)
        selection = select_seed(plans, {})
        path, comparison = selection_path(round_.work_path, round_.name, study), compare_models(selection, "tiny")
        write_selection(path, selection, comparison, selection_warnings(selection, comparison))


def leave_engines(round_: Round, engines: dict[str, EngineModel]) -> dict[str, EngineModel]:
    """Leave engine models where a conversion does, and return them."""
    found = {}
    for label, model in engines.items():
        target = engines_folder(round_.work_path, round_.name, label) / model.config_hash / label
        found[label] = replace(model, folder=str(shutil.copytree(model.folder, target)))
    return found


def score_round(round_: Round, engines: dict[str, EngineModel]) -> RunFolder:
    """Score the round's sample with engine models, screened where the round screens, and finish the run."""
    plan = replace(plan_of(round_.samples["evaluation"], engines, round_.inference), round_name=round_.name)
    name = run_folder_name(round_.iteration, round_.method, "main", plan.run_id, "evaluation")
    folder = RunFolder(round_.inference.output_path / name)
    if round_.inference.screening is not None:
        screen(plan, folder)
    finish_run(plan, folder)
    return folder


def true_by_rank(row: dict[str, object]) -> int:
    """Say that most of the best texts are true, and fewer further down."""
    rank = int(str(row["rank"]))
    return int(rank % 5 > 0 if rank <= 40 else rank % 4 == 0 if rank <= 300 else rank % 29 == 0)


def judge_round(round_: Round) -> Batch:
    """Draw a round's rank sample, answer it, and leave each label's evaluation beside a champion of the same scores."""
    run = find_pool_run(round_, "evaluation", "main")
    drawn = {}
    for label in round_.active_labels:
        with open_ranked(run.folder, label, "all") as ranked:
            drawn[label] = draw_rank_sample(ranked, round_.evaluation, run.plan.run_id)
    batches = batches_of_pool(round_, run)
    fresh = {label: unasked(one, read_answers(batches, label)) for label, one in drawn.items()}
    batch = write_rank_sample(round_, run, fresh, {label: one.rows for label, one in drawn.items()})
    _answer(round_, batch)
    for label in round_.active_labels:
        first = _judge(round_, run, label, None)
        champion = Champion(f"us.{label}", "2", replace(first, version="2"))
        _judge(round_, run, label, champion)
    return batch


def _answer(round_: Round, batch: Batch) -> None:
    """Import the answers of two annotators; the second one errs on every eleventh text below rank 60."""
    settled = settle(batch, round_)
    for annotator in ("ana", "b<b>en"):
        path = batch.folder.parent / "answers.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("tweet_id", "label", "annotator", "answer"))
            for place, row in enumerate(batch.draws.to_pylist()):
                answer = true_by_rank(row) ^ (place % 11 == 0 and row["rank"] > 60 and annotator != "ana")
                rows.writerow((row["tweet_id"], row["label"], annotator, "yes" if answer else "no"))
        _, settled = import_and_settle(settled, round_, path, ImportWay())
        path.unlink()


def _judge(round_: Round, run: PoolRun, label: str, champion: Champion | None) -> EvaluationRecord:
    answers = read_answers(batches_of_pool(round_, run), label)
    with open_ranked(run.folder, label, "all") as ranked:
        drawn = draw_rank_sample(ranked, round_.evaluation, run.plan.run_id)
        labels = gather_labels(round_, run, ranked, drawn.strata, answers)
        found = evaluate_label(round_, Judged(run, ranked, drawn.strata, labels, PoolMeasures()), champion)
    folder = evaluation_folder(round_.work_path, round_.country, round_.name, label, run.plan.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    if found.calibration is not None:
        write_calibration(folder / CALIBRATION_FILE, found.calibration)
    write_evaluation(folder / EVALUATION_FILE, found.record)
    return found.record


def leave_motifs(round_: Round, judged: Batch, words: Sequence[str]) -> Batch:
    """Leave a batch as sampling does, with one motif of these words a label; its texts are those of another batch."""
    motif = {"words": list(words), "best_texts": 60, "random_texts": 4, "lift": 15.04}
    about = BatchAbout(
        batch_id="0123456789ab",
        kind="sampling",
        country=round_.country,
        round_name=round_.name,
        run_folder=judged.about.run_folder,
        run_id=judged.about.run_id,
        population=judged.about.population,
        settings={"method": "exploit-explore"},
        random_state=1,
        counts={"texts": len(judged.texts), "motifs": {label: [motif] for label in round_.active_labels}},
    )
    return write_batch(place_of(round_, "sampling", about.batch_id), judged.draws, judged.texts, about)
