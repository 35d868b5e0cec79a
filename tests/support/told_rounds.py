"""A round as its flows leave it in files: data, seeds, engine models and a screened run, without any server."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.base.naming import engines_folder, selection_path, splits_folder
from tasks.core.corpus.labelled.prepare import StudyRequest, prepare_splits
from tasks.core.engines.model_folder import EngineModel
from tasks.core.round.model import Round
from tasks.core.round.round_file import read_round
from tasks.core.runs.folder import RunFolder
from tasks.core.training.seeds.comparison import compare_models
from tasks.core.training.seeds.seed_plan import plan_seeds
from tasks.core.training.seeds.selection import select_seed
from tasks.core.training.seeds.selection_file import write_selection
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
        path = selection_path(round_.work_path, round_.name, study)
        write_selection(path, selection, compare_models(selection, "tiny"))


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
    folder = RunFolder(round_.inference.output_path / f"iter_0-main-{plan.run_id}-evaluation")
    if round_.inference.screening is not None:
        screen(plan, folder)
    finish_run(plan, folder)
    return folder
